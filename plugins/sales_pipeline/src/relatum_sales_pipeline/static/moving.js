// @ts-check
/**
 * Cards are dragged from stage to stage, or sent there by their select. The form of a card does the
 * work in both cases; a move that fails puts the card back and says why.
 */

const board = /** @type {HTMLElement} */ (document.getElementById("board"));
const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("asking"));
const question = /** @type {HTMLElement} */ (document.getElementById("question"));

/** Where a card was, so that it can go back. @typedef {{card: HTMLElement, list: Element, next: Element | null, byKey?: boolean}} Place */

/** @param {Place} place */
function putBack({ card, list, next }) {
  list.insertBefore(card, next?.parentElement === list ? next : null);
  const select = card.querySelector("select");
  if (select) select.value = /** @type {HTMLElement} */ (list).dataset.stage ?? "";
  card.classList.remove("busy");
}

/** @param {{text: string, undo?: string, tone?: string}} detail */
function say(detail) {
  document.dispatchEvent(new CustomEvent("relatum:toast", { detail }));
}

/** @param {string} [focus] id of the card whose select had the focus */
async function refresh(focus) {
  // @ts-ignore - htmx is a script of the page
  await htmx.ajax("GET", location.pathname + location.search, { source: "#board", target: "#board", swap: "innerHTML" });
  if (focus) document.getElementById(focus)?.querySelector("select")?.focus({ preventScroll: true });
}

/**
 * @param {HTMLFormElement} form
 * @returns {Promise<{text: string, undo?: string, fields?: Record<string, string>} & {ok: boolean}>}
 */
async function send(form) {
  const body = new URLSearchParams(/** @type {any} */ (new FormData(form)));
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "x-board": "1" } });
    const said = await answer.json();
    return { ...said, ok: answer.ok, text: said.text ?? board.dataset.failed };
  } catch {
    return { ok: false, text: board.dataset.failed ?? "" };
  }
}

/**
 * @param {Place} place
 * @param {string} stage
 */
async function move(place, stage) {
  const { card } = place;
  const form = /** @type {HTMLFormElement} */ (card.querySelector("form.deal-move"));
  /** @type {HTMLSelectElement} */ (form.elements.namedItem("stage")).value = stage;
  card.classList.add("busy");
  finish(place, await send(form));
}

/**
 * @param {Place} place
 * @param {{ok: boolean, text: string, undo?: string}} said
 */
function finish(place, said) {
  if (said.ok) {
    say({ text: said.text, undo: said.undo });
    refresh(place.byKey ? place.card.id : "");
  } else {
    putBack(place);
    say({ text: said.text, tone: "bad" });
  }
}

/**
 * The questions of a move, as the server writes them; nothing when it does not answer.
 * @param {string} address
 */
async function asked(address) {
  const headers = { "hx-request": "true", "hx-request-type": "partial", "hx-target": "div#question" };
  const answer = await fetch(address, { headers }).catch(() => null);
  return answer?.ok ? answer.text() : "";
}

/**
 * Winning and losing ask something first.
 * @param {Place} place
 * @param {string} stage
 */
async function ask(place, stage) {
  const { card } = place;
  const form = /** @type {HTMLFormElement} */ (card.querySelector("form.deal-move"));
  const version = /** @type {HTMLInputElement} */ (form.elements.namedItem("version")).value;
  const address = `${form.action}?stage=${stage}&version=${version}&back=board`;
  question.innerHTML = await asked(address);
  const answer = question.querySelector("form");
  if (!answer) {
    putBack(place);
    return say({ text: board.dataset.failed ?? "", tone: "bad" });
  }
  let done = false;
  answer.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = await send(answer);
    if (!said.ok) {
      const told = answer.querySelector("[data-told]");
      if (told) told.textContent = said.text;
      return;
    }
    done = true;
    dialog.close();
    finish(place, said);
  });
  answer.querySelector("[data-cancel]")?.addEventListener("click", (event) => {
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => done || putBack(place), { once: true });
  dialog.showModal();
  /** @type {HTMLElement | null} */ (answer.querySelector("select, input:not([type=hidden])"))?.focus();
}

/**
 * @param {Place} place
 * @param {string} stage
 */
function go(place, stage) {
  const list = board.querySelector(`.cards[data-stage="${stage}"]`);
  return list?.hasAttribute("data-asks") ? ask(place, stage) : move(place, stage);
}

/**
 * A card is sent to the stage that its select says.
 * @param {HTMLSelectElement} select
 */
export function chosen(select) {
  const card = /** @type {HTMLElement | null} */ (select.closest(".deal"));
  const list = card?.parentElement;
  if (card && list) go({ card, list, next: card.nextElementSibling, byKey: true }, select.value);
}

function sortable() {
  if (!("Sortable" in window)) return;
  for (const list of board.querySelectorAll(".cards")) {
    // @ts-ignore - Sortable is a script of the page
    if (!board.querySelector(".deal-move") || Sortable.get(list)) continue;
    // @ts-ignore
    Sortable.create(list, {
      group: "deals",
      sort: false,
      animation: 120,
      delay: 180,
      delayOnTouchOnly: true,
      filter: "select, button",
      preventOnFilter: false,
      ghostClass: "deal-ghost",
      dragClass: "deal-drag",
      onStart: () => board.classList.add("dragging"),
      onEnd: (/** @type {any} */ { item, from, to, oldIndex }) => {
        board.classList.remove("dragging");
        if (from === to) return;
        const others = [...from.children].filter((each) => each !== item);
        go({ card: item, list: from, next: others[oldIndex] ?? null }, to.dataset.stage);
      },
    });
  }
}

// what drags is as heavy as the rest: only this module asks for it
const script = document.createElement("script");
script.src = board.dataset.sortable ?? "";
script.integrity = board.dataset.integrity ?? "";
script.onload = sortable;
document.head.append(script);

document.addEventListener("htmx:before:swap", () => {
  // dragging leaves style="" behind; htmx would carry it over, which the policy refuses
  for (const dragged of board.querySelectorAll("[style]")) dragged.removeAttribute("style");
});
document.addEventListener("htmx:after:swap", sortable);
