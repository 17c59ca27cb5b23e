// @ts-check
/**
 * Buttons that do something at once: `<button hidden data-copy="0901…" data-copied="Copied.">`, and
 * light, dark or as the device, which the server remembers.
 */
import { toast } from "./toast.js";

/** @param {ParentNode} root whose buttons are shown, where copying is possible at all */
export function unhide(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy][hidden]")) button.removeAttribute("hidden");
}

document.addEventListener("click", async (event) => {
  const button = /** @type {Element} */ (event.target).closest("[data-copy]");
  if (!(button instanceof HTMLElement) || !navigator.clipboard) return;
  await navigator.clipboard.writeText(button.dataset.copy ?? "");
  toast({ text: button.dataset.copied ?? button.dataset.copy ?? "" });
});

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const button = /** @type {SubmitEvent} */ (event).submitter;
  if (!form.matches("[data-theme-switch]") || !(button instanceof HTMLButtonElement)) return;
  event.preventDefault();
  document.documentElement.dataset.theme = button.value;
  const scheme = button.value === "auto" ? "light dark" : button.value;
  document.querySelector("meta[name=color-scheme]")?.setAttribute("content", scheme);
  for (const each of form.querySelectorAll("button[name=theme]")) {
    each.setAttribute("aria-pressed", String(each === button));
  }
  const fields = new FormData(form, button);
  // @ts-ignore the fields of this form are texts
  fetch(form.action, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
});
