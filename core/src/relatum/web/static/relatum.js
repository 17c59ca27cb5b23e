// @ts-check
/**
 * The scripts of every page. Pages work without them; nothing here is the only way to anything.
 * The server sends them as one module: the names at the top of each are used in no other.
 */
import "./requests.js";
import { adopt } from "./toast.js";
import { listen } from "./shortcuts.js";
import { follow } from "./live.js";
import { unhide } from "./buttons.js";
export { visited } from "./shortcuts.js";

adopt();
listen();
follow();
unhide(document);
document.addEventListener("htmx:after:settle", () => unhide(document));

// customers that were opened can be read without a connection, where the browser may
if ("serviceWorker" in navigator && location.pathname.startsWith("/customers")) {
  addEventListener("load", () => navigator.serviceWorker.register("/sw.js").catch(() => {}));
}
