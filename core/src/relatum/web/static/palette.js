// @ts-check
/**
 * The command palette: pages, commands and customers, found on the server while somebody types.
 * Loaded when it is opened for the first time.
 */
import { visited } from "./relatum.js";

const DELAY = 90;
const ITEMS = "a[href], button";

/**
 * Open a dialog that the server renders: the part of a page that htmx would ask for.
 * @param {string} id of its element, and of the part
 * @param {string} address
 * @returns {Promise<HTMLDialogElement | null>} nothing when it is open already
 */
export async function dialog(id, address) {
  const known = document.querySelector(`dialog#${id}`);
  const shown = known instanceof HTMLDialogElement ? known : document.createElement("dialog");
  if (!known) {
    shown.id = id;
    shown.className = `dialog ${id}`;
    shown.addEventListener("click", ({ target }) => {
      if (target === shown || /** @type {Element} */ (target).closest("[data-close]")) shown.close();
    });
    document.body.append(shown);
  }
  if (shown.open) return null;
  shown.innerHTML = await part(address, id);
  shown.querySelector("[data-close]")?.removeAttribute("hidden");
  shown.setAttribute("aria-label", shown.querySelector("h2")?.textContent ?? "");
  shown.showModal();
  return shown;
}

/**
 * Open the palette.
 * @param {() => string} typed what was typed while it was on its way
 */
export async function palette(typed) {
  const shown = await dialog("palette", "/palette");
  const input = shown && ready(shown);
  if (!input || !typed()) return;
  input.value += typed();
  input.dispatchEvent(new Event("input"));
}

/**
 * @param {string} address
 * @param {string} id
 * @param {AbortSignal} [signal]
 */
async function part(address, id, signal) {
  const headers = { Accept: "text/html", "HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": `div#${id}` };
  const answer = await fetch(address, { headers, signal });
  if (answer.ok && !answer.redirected) return answer.text();
  // whatever is wrong, a page says it
  location.assign(address);
  throw new Error(`${answer.status}`);
}

/** @param {HTMLDialogElement} shown */
function ready(shown) {
  const input = shown.querySelector("input");
  const results = shown.querySelector("#palette-results");
  if (!input || !results) return null;
  Object.entries({ role: "combobox", "aria-expanded": "true", "aria-controls": results.id, "aria-autocomplete": "list" })
    .forEach(([name, value]) => input.setAttribute(name, value));
  let timer = 0;
  let asking = new AbortController();
  input.addEventListener("input", () => {
    clearTimeout(timer);
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    timer = setTimeout(async () => {
      const query = new URLSearchParams({ q: input.value });
      const found = await part(`/palette?${query}`, results.id, signal).catch(() => null);
      if (found === null || signal.aborted) return;
      results.innerHTML = found;
      arrange(input, results);
    }, DELAY);
  });
  input.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) choose(input, results, by);
    else if (event.key === "Enter") open(results);
    else return;
    event.preventDefault();
  });
  arrange(input, results);
  input.focus();
  return input;
}

/** Make a list box of the links, with the first chosen, and say how many there are. */
function arrange(/** @type {HTMLInputElement} */ input, /** @type {Element} */ results) {
  if (!input.value) results.prepend(...recent());
  results.setAttribute("role", "listbox");
  results.querySelectorAll("section").forEach((section, at) => {
    const title = section.querySelector("h3");
    if (title) title.id = `palette-group-${at}`;
    title?.setAttribute("role", "presentation");
    section.setAttribute("role", "group");
    section.setAttribute("aria-labelledby", `palette-group-${at}`);
  });
  results.querySelectorAll("ul, li, form").forEach((each) => each.setAttribute("role", "presentation"));
  results.querySelectorAll(ITEMS).forEach((item, at) => {
    item.id = `palette-item-${at}`;
    item.setAttribute("role", "option");
    item.setAttribute("tabindex", "-1");
  });
  choose(input, results, 0);
  const said = results.querySelector("[data-count]");
  const status = document.getElementById("palette-status");
  if (status) status.textContent = said?.getAttribute("data-count") ?? "";
}

/** @param {HTMLInputElement} input @param {Element} results @param {number} by */
function choose(input, results, by) {
  const items = [...results.querySelectorAll(ITEMS)];
  const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
  const next = items[by ? (at + by + items.length) % items.length : 0];
  items.forEach((item) => item.setAttribute("aria-selected", String(item === next)));
  if (next) input.setAttribute("aria-activedescendant", next.id);
  else input.removeAttribute("aria-activedescendant");
  next?.scrollIntoView({ block: "nearest" });
}

/** @param {Element} results */
function open(results) {
  const chosen = results.querySelector("[aria-selected=true]");
  if (chosen instanceof HTMLElement) chosen.click();
}

/** Customers and pages looked at last, as links in a section like the server's. */
function recent() {
  const template = document.getElementById("palette-recent");
  const seen = visited().filter(({ path }) => path !== location.pathname);
  if (!(template instanceof HTMLTemplateElement) || !seen.length) return [];
  const section = /** @type {Element} */ (template.content.cloneNode(true).firstElementChild);
  const model = /** @type {Element} */ (section.querySelector("li"));
  for (const { path, title } of seen) {
    const item = /** @type {Element} */ (model.cloneNode(true));
    const link = /** @type {HTMLAnchorElement} */ (item.querySelector("a"));
    link.href = path;
    /** @type {Element} */ (link.querySelector("span")).textContent = title;
    model.before(item);
  }
  model.remove();
  return [section];
}
