// @ts-check
/** Toasts: said once; they go after a while unless somebody points at them or is inside. */

const texts = document.getElementById("texts");
const SECONDS = 6;
const SECONDS_WITH_UNDO = 12;
const region = document.getElementById("toasts");
const template = document.getElementById("toast");

/**
 * What scripts say, in the language of the page; rendered by the server.
 * @param {string} name as in `data-<name>`
 * @returns {string}
 */
export function text(name) {
  return texts?.dataset[name] ?? "";
}

/**
 * Say something.
 * @param {{text: string, undo?: string, tone?: string}} said `undo` is a path that takes it back
 */
export function toast({ text: words, undo, tone }) {
  if (!region || !(template instanceof HTMLTemplateElement)) return;
  const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  const shown = /** @type {HTMLElement} */ (copy.firstElementChild);
  const form = shown.querySelector("form");
  /** @type {HTMLElement} */ (shown.querySelector("p")).textContent = words;
  if (undo && form) form.action = undo;
  else form?.remove();
  if (tone) shown.classList.add(tone);
  region.append(shown);
  passing(shown);
}

/** Let those that came with the page go as well. */
export function adopt() {
  for (const shown of region?.children ?? []) passing(/** @type {HTMLElement} */ (shown));
}

/** @param {HTMLElement} shown */
function passing(shown) {
  const wait = (shown.querySelector("form") ? SECONDS_WITH_UNDO : SECONDS) * 1000;
  let timer = 0;
  const pause = () => clearTimeout(timer);
  const go = () => {
    pause();
    timer = setTimeout(() => shown.remove(), wait);
  };
  shown.addEventListener("pointerenter", pause);
  shown.addEventListener("focusin", pause);
  shown.addEventListener("pointerleave", go);
  shown.addEventListener("focusout", go);
  go();
}

document.addEventListener("relatum:toast", (event) => {
  toast(/** @type {CustomEvent} */ (event).detail);
});
