// @ts-check
/** The one place for requests of htmx: the proof of their origin, their errors, their progress. */
import { text, toast } from "./toast.js";

/** Milliseconds after which a request shows that it goes on. */
const PATIENCE = 500;
const bar = document.getElementById("progress");
/** @type {Map<object, number>} requests under way, with the timers of their bars */
const waiting = new Map();

/** @param {Event} event @returns {any} */
const context = (event) => /** @type {CustomEvent} */ (event).detail.ctx;

// @ts-ignore htmx is a script of its own, and may be missing
if (window.htmx) {
  // what a proxy says about a server that is down does not belong into the page
  // @ts-ignore
  window.htmx.config.noSwap.push("5xx");
  // what somebody unfolded stays so when the part around it is renewed
  // @ts-ignore
  window.htmx.config.morphIgnore.push("open");
}

document.addEventListener("htmx:config:request", (event) => {
  const { request } = context(event);
  const csrf = document.querySelector("meta[name=csrf]")?.getAttribute("content");
  if (csrf && request.method !== "GET") request.headers["X-Csrf"] = csrf;
});

document.addEventListener("htmx:before:request", (event) => {
  waiting.set(context(event), setTimeout(() => bar?.removeAttribute("hidden"), PATIENCE));
});

document.addEventListener("htmx:finally:request", (event) => {
  clearTimeout(waiting.get(context(event)));
  waiting.delete(context(event));
  if (!waiting.size) bar?.setAttribute("hidden", "");
});

document.addEventListener("htmx:response:error", (event) => {
  // a failure page of ours brings its own words in HX-Trigger, a refused form shows them
  const { response, hx } = context(event);
  if (response.status >= 500 && !hx?.trigger) toast({ text: text("failed"), tone: "bad" });
});

document.addEventListener("htmx:error", (event) => {
  if (context(event)?.response === undefined) toast({ text: text("unreachable"), tone: "bad" });
});
