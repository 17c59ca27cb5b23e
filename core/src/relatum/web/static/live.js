// @ts-check
/**
 * Live updates. Of all open tabs one follows the server and tells the others; when it closes, the
 * next one takes over. An element says what it shows with `data-live`: `customers`,
 * `customer:<id>`, an event type, or `customer:<id>/<event type>`, several with spaces;
 * `data-live-types` narrows the `data-live` around it to some event types. The one of `body` is a
 * mark: how far the log was before the page was read. A stream goes on from there.
 */

const ADDRESS = "/api/v1/live";
const NAME = "relatum-live";
/** Changes are gathered for so long, in milliseconds. */
const GATHER = 250;
const LONGEST_WAIT = 60_000;
/** A page so young shows everything already. */
const YOUNG = 5_000;
/** By then a page that is first follows the server itself. */
const HEARING = 300;
/** What somebody is busy with; `data-hold` says it of anything else. */
const TYPED_IN = "input, textarea, select, [contenteditable=true], [data-hold]";
const TEXTS = "textarea, input:not([type=checkbox], [type=radio], [type=hidden])";

/** @typedef {{id: string, events: string[]}} Change */
/** @typedef {{changes: Change[] | "all", mark: string}} Told */

/** @type {Change[] | "all"} */
let changes = [];
let timer = 0;
/** the mark of the place in the log up to which this page knows everything */
let at = "";

/** Follow, if whoever looks may. */
export function follow() {
  if (!document.body.hasAttribute("data-live") || !window.BroadcastChannel) return;
  at = document.body.dataset.live ?? "";
  const channel = new BroadcastChannel(NAME);
  let leads = false;
  channel.onmessage = ({ data }) => {
    if (data.leads) missed();
    else heard(data);
  };
  const tell = (/** @type {Told} */ told) => {
    channel.postMessage(told);
    heard(told);
  };
  const begin = () => {
    leads = true;
    // whoever followed before may have left something untold to the others
    channel.postMessage({ leads });
    return lead(tell);
  };
  // held until the tab closes
  if (navigator.locks) navigator.locks.request(NAME, begin);
  else begin();
  // another tab follows: it may have told what came after this page before this page could hear
  const born = at;
  setTimeout(() => leads || missed(born), HEARING);
  addEventListener("pageshow", (event) => event.persisted && missed());
  document.addEventListener("visibilitychange", soon);
  document.addEventListener("focusout", soon);
  document.addEventListener("htmx:before:response", late);
}

/** Ask once for what came after a mark: after what this page knows. */
async function missed(since = at) {
  if (!since) return;
  const answer = await fetch(`${ADDRESS}/changes?since=${encodeURIComponent(since)}`).catch(() => null);
  if (!answer?.ok) return;
  const { complete, mark, ...came } = await answer.json();
  heard({ changes: complete ? changesOf(came) : "all", mark });
}

/**
 * Changes of customers, and what is about none of them.
 * @param {{customers: Change[], events?: string[]}} came
 */
function changesOf({ customers, events = [] }) {
  return events.length ? [...customers, { id: "", events }] : customers;
}

/**
 * Follow the server for all tabs; never ends while whoever looks may.
 * @param {(told: Told) => void} tell
 */
function lead(tell) {
  return new Promise((resolve) => {
    let failures = 0;
    let greeted = false;
    const connect = () => {
      const since = at;
      const source = new EventSource(since ? `${ADDRESS}?since=${encodeURIComponent(since)}` : ADDRESS);
      const again = (/** @type {number} */ wait) => {
        source.close();
        setTimeout(connect, wait);
      };
      source.addEventListener("hello", ({ lastEventId: mark }) => {
        // changes may have passed unheard while nobody followed
        const changes = since || greeted || performance.now() > YOUNG ? "all" : [];
        tell({ changes, mark });
        greeted = true;
        failures = 0;
      });
      source.addEventListener("continued", () => {
        greeted = true;
        failures = 0;
      });
      source.addEventListener("changed", ({ data, lastEventId: mark }) => tell({ changes: changesOf(JSON.parse(data)), mark }));
      source.addEventListener("reload", ({ lastEventId: mark }) => tell({ changes: "all", mark }));
      source.addEventListener("end", ({ data, lastEventId: mark }) => {
        tell({ changes: [], mark });
        if (JSON.parse(data).reason === "again") return again(Math.random() * 1000);
        source.close();
        resolve(undefined);
      });
      source.onerror = () => {
        failures += 1;
        again(Math.min(LONGEST_WAIT, 1000 * 2 ** failures) * (0.5 + Math.random() / 2));
      };
    };
    connect();
  });
}

/** @param {Told} told */
function heard({ changes: data, mark }) {
  at = mark || at;
  if (data.length) note(data);
}

/** @param {Change[] | "all"} data */
function note(data) {
  changes = data === "all" || changes === "all" ? "all" : [...changes, ...data];
  soon();
}

function soon() {
  clearTimeout(timer);
  if (changes.length && !document.hidden) timer = setTimeout(refresh, GATHER);
}

/** Ask again for what has changed; what somebody types in waits until they have left it. */
function refresh() {
  const now = changes;
  const concerned = [...document.querySelectorAll("[data-live]:not(body), [data-live-types]")]
    .filter((element) => concerns(/** @type {HTMLElement} */ (element), now));
  const outer = concerned.filter((each) => !concerned.some((other) => other !== each && other.contains(each)));
  changes = outer.some(isTypedIn) ? now : [];
  for (const element of outer) if (!isTypedIn(element)) renew(/** @type {HTMLElement} */ (element));
}

/** @param {HTMLElement} element @param {Change[] | "all"} now */
function concerns(element, now) {
  const around = element.closest("[data-live]:not(body)");
  const topics = (element.dataset.live ?? around?.getAttribute("data-live") ?? "").split(/\s+/);
  const types = element.dataset.liveTypes?.split(/[\s,]+/).filter(Boolean);
  return now === "all" || now.some(({ id, events }) => {
    if (types && !types.some((type) => events.includes(type))) return false;
    return topics.some((topic) => {
      const [what, type = ""] = topic.split("/");
      if ((what === "customers" && id) || events.includes(what)) return true;
      return what === `customer:${id}` && (!type || events.includes(type));
    });
  });
}

/** @param {Element} element */
function isTypedIn(element) {
  const active = document.activeElement;
  if (element.querySelector("dialog[open]")) return true;
  if (active && element.contains(active) && active.matches(TYPED_IN)) return true;
  // words that were not sent yet, though their field was left
  return [...element.querySelectorAll(TEXTS)].some((/** @type {any} */ field) => field.value !== field.defaultValue);
}

/** @param {HTMLElement} element */
function renew(element) {
  const { liveUrl, url, liveSwap } = element.dataset;
  const address = liveUrl ?? url ?? location.pathname + location.search;
  const asked = liveUrl ?? url ? "" : location.href;
  // @ts-ignore htmx is a script of its own
  window.htmx?.ajax("GET", address, { source: element, target: element, swap: liveSwap ?? "innerMorph", asked });
}

/** What was asked for before somebody searched for something else is not shown any more. */
function late(/** @type {Event} */ event) {
  const { asked, target } = /** @type {CustomEvent} */ (event).detail.ctx;
  if (!asked || asked === location.href) return;
  event.preventDefault();
  renew(target);
}
