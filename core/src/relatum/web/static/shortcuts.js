// @ts-check
/**
 * Keys. `data-key="n"` stands on the link, button or field that a key is for, `data-go="c"` on
 * the place that G and a letter lead to; J and K walk over the `data-row`s of a list.
 */
import { text, toast } from "./toast.js";

const GO_MILLISECONDS = 1500;
const TYPING = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]";
const RECENT = "relatum:recent";
const MOST_RECENT = 6;
let goUntil = 0;
/** @type {string | null} what was typed while the palette is on its way */
let typed = null;

/** Hear keys from now on. */
export function listen() {
  remember();
  document.addEventListener("keydown", typing);
  document.addEventListener("click", (event) => {
    const link = /** @type {Element} */ (event.target).closest("[data-palette], [data-keys]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    link.matches("[data-keys]") ? keys() : palette();
  });
}

/** @param {KeyboardEvent} event */
function typing(event) {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  if (event.ctrlKey || event.metaKey) {
    if (event.key.toLowerCase() !== "k" || event.shiftKey) return;
    event.preventDefault();
    palette();
  } else if (typed !== null) {
    if (event.key.length === 1) typed += event.key;
    event.preventDefault();
  } else if (text("keys") !== "off" && !isBusy(event.target) && act(event.key)) {
    event.preventDefault();
  }
}

/** Whether keys belong to something else: a field, a dialog, a widget with keys of its own. */
function isBusy(/** @type {EventTarget | null} */ target) {
  const element = target instanceof Element ? target : document.body;
  return element.closest(`${TYPING}, dialog, [role=menu], [data-own-keys]`) !== null;
}

/**
 * @param {string} key
 * @returns {boolean} whether it stands for something
 */
function act(key) {
  const letter = key.length === 1 ? key.toLowerCase() : "";
  const going = performance.now() < goUntil;
  goUntil = 0;
  if (going) return press(find("data-go", letter));
  if (letter === "g") {
    goUntil = performance.now() + GO_MILLISECONDS;
    return true;
  }
  if (letter === "j" || letter === "k") return step(letter === "j" ? 1 : -1);
  if (letter === "x") return press(row()?.querySelector("input[type=checkbox]"));
  if (press(find("data-key", letter))) return true;
  if (letter === "?") return keys();
  if (letter === "/") return press(document.querySelector("main input[type=search]")) || palette();
  if (letter === "z") return press(document.querySelector(".toast:last-child form button"));
  if (letter === "[") return press(document.querySelector("main a[rel=prev]"));
  if (letter === "]") return press(document.querySelector("main a[rel=next]"));
  return false;
}

/** @param {string} attribute @param {string} key */
function find(attribute, key) {
  return key ? document.querySelector(`[${attribute}="${CSS.escape(key)}"]`) : null;
}

/** @param {Element | null | undefined} element to be focused when it is a field, else clicked */
function press(element) {
  if (!(element instanceof HTMLElement)) return false;
  if (element.matches(TYPING)) {
    element.focus();
    if (element instanceof HTMLInputElement) element.select();
  } else element.click();
  return true;
}

const row = () => document.activeElement?.closest("[data-row]");

/** @param {number} by rows */
function step(by) {
  const rows = [...document.querySelectorAll("main [data-row]")];
  const here = row();
  const at = here ? rows.indexOf(here) + by : by > 0 ? 0 : rows.length - 1;
  const next = rows[at];
  const link = next?.querySelector("[data-open]") ?? next?.querySelector("a[href]");
  if (!(link instanceof HTMLElement)) return false;
  link.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}

const load = () => import("./palette.js");
const unreachable = () => toast({ text: text("unreachable"), tone: "bad" });

/** Open the palette. */
function palette() {
  typed ??= "";
  load()
    .then((module) => module.palette(() => typed ?? ""))
    .catch(unreachable)
    .finally(() => (typed = null));
  return true;
}

/** Show what the keys are. */
function keys() {
  load()
    .then((module) => module.dialog("keys", "/palette/keys"))
    .catch(unreachable);
  return true;
}

/**
 * The pages that were opened last in this browser, the newest first.
 * @returns {{path: string, title: string}[]}
 */
export function visited() {
  try {
    return JSON.parse(localStorage.getItem(RECENT) ?? "[]");
  } catch {
    return [];
  }
}

/** Remember the page that is shown; forgotten on sign-out with everything else of this site. */
function remember() {
  const title = document.querySelector("main h1")?.textContent?.trim();
  const path = location.pathname;
  if (!title || path === "/" || !document.querySelector("meta[name=csrf]")) return;
  const others = visited().filter((each) => each.path !== path);
  localStorage.setItem(RECENT, JSON.stringify([{ path, title }, ...others].slice(0, MOST_RECENT + 1)));
}
