// @ts-check
/** The board until a hand is near it: what moves its cards is fetched only then. */
const board = /** @type {HTMLElement} */ (document.getElementById("board"));
let across = 0;
const columns = () => board.querySelector(".board");

/** @type {Promise<any> | undefined} */
let coming;
const moving = () => (coming ??= import("./moving.js"));

for (const sign of ["pointermove", "pointerover", "touchstart", "keydown"]) {
  addEventListener(sign, () => moving().catch(() => (coming = undefined)), { once: true, passive: true });
}
board.addEventListener("change", async (event) => {
  const select = /** @type {HTMLSelectElement} */ (event.target);
  if (select.name !== "stage") return;
  event.stopPropagation();
  try {
    (await moving()).chosen(select);
  } catch {
    coming = undefined;
    select.form?.submit(); // the page that answers says the rest
  }
});
document.addEventListener("htmx:before:swap", () => {
  across = columns()?.scrollLeft ?? 0;
});
document.addEventListener("htmx:after:swap", () => {
  const shown = columns();
  if (shown && shown.scrollLeft === 0) shown.scrollLeft = across;
});
