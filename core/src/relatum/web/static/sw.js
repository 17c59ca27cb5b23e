// @ts-check
/**
 * The service worker: static files that pages loaded, an offline page, and the customers that were
 * opened last. The server puts before this which files to keep from the beginning.
 *
 * Pages are asked for over the network first, and kept for one account: an answer for anybody else
 * (header X-Account) empties the shelf.
 */

const self_ = /** @type {any} */ (self);
/** @type {{files: string[], offline: string}} */
const { files, offline } = self_.RELATUM;
const STATIC = "static";
const PAGES = "pages";
const ACCOUNT = "/account-of-pages";
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'",
};
const MOST_PAGES = 50;
const OLDEST = 7 * 24 * 3600 * 1000;
const OPENED = /^\/customers\/[0-9a-f-]{36}$/;

self_.addEventListener("install", (/** @type {any} */ event) => {
  event.waitUntil(fill().then(() => self_.skipWaiting()));
});

self_.addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil(
    Promise.all([self_.registration.navigationPreload?.enable(), self_.clients.claim()]),
  );
});

self_.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== self_.location.origin) return;
  if (address.pathname.startsWith("/static/")) event.respondWith(file(event, request));
  else if (request.mode === "navigate") event.respondWith(page(event, address));
});

/** Keep what every page loads, and drop what pages loaded before. */
async function fill() {
  await caches.delete(STATIC);
  await (await caches.open(STATIC)).addAll(files);
}

/** @param {any} event @param {Request} request */
async function file(event, request) {
  const found = await caches.match(request.url);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok && answer.headers.get("cache-control")?.includes("immutable")) {
    const copy = answer.clone();
    event.waitUntil(caches.open(STATIC).then((shelf) => shelf.put(request.url, copy)));
  }
  return answer;
}

/** @param {any} event @param {URL} address */
async function page(event, address) {
  try {
    const answer = (await event.preloadResponse) ?? (await fetch(event.request));
    event.waitUntil(keep(answer.clone(), address));
    return answer;
  } catch {
    return (await kept(address)) ?? new Response(offline, { status: 503, headers: HEADERS });
  }
}

/** @param {Response} answer @param {URL} address */
async function keep(answer, address) {
  const account = answer.headers.get("x-account");
  if (account === null) return;
  let shelf = await caches.open(PAGES);
  const owner = await (await shelf.match(ACCOUNT))?.text();
  if (owner !== account) {
    await caches.delete(PAGES);
    shelf = await caches.open(PAGES);
    await shelf.put(ACCOUNT, new Response(account));
  }
  if (!account || !answer.ok || answer.redirected || !OPENED.test(address.pathname)) return;
  const html = marked(await answer.text());
  const headers = { "content-type": "text/html; charset=utf-8", "x-kept": String(Date.now()) };
  const policy = answer.headers.get("content-security-policy") ?? "default-src 'none'";
  await shelf.delete(address.pathname);
  await shelf.put(address.pathname, new Response(html, { headers: { ...headers, "content-security-policy": policy } }));
  const all = (await shelf.keys()).filter(({ url }) => new URL(url).pathname !== ACCOUNT);
  for (const old of all.slice(0, -MOST_PAGES)) await shelf.delete(old);
}

/**
 * The page with a mark that it is from this device, and since when.
 * @param {string} html
 */
function marked(html) {
  return html.replace(/<html\b/, `<html data-kept="${new Date().toISOString()}"`);
}

/** @param {URL} address */
async function kept(address) {
  const found = await (await caches.open(PAGES)).match(address.pathname);
  const since = Number(found?.headers.get("x-kept") ?? 0);
  return Date.now() - since < OLDEST ? found : undefined;
}
