"""A page of a browser that notes everything that must not happen on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import ConsoleMessage, Page, Request, Response

AXE = AXE_FILE_PATH.read_text(encoding="utf-8")
#: Everything of WCAG 2.2 A and AA, and what axe holds for good practice.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

#: The rules that a theme can break.
COLOURS = ("color-contrast", "link-in-text-block")


class Watch:
    """What a page said and asked for.

    Attributes:
        faults: errors of the console, refusals of the policy, failures of scripts, requests to
            foreign hosts, answers 5xx.
    """

    def __init__(self, page: Page, url: str) -> None:
        self._host = urlsplit(url).netloc
        self.page = page
        self.faults: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # an answer 4xx is for the test to expect
        if message.type == "error" and "status of 4" not in message.text:
            self.faults.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self._host:
            self.faults.append(f"foreign: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.status}: {response.url}")

    def look_again(self) -> None:
        """Parts that came later are parts: there is no page within the page."""
        if not self.page.is_closed() and self.page.locator("main").count() > 1:
            self.faults.append(f"a page within a page: {self.page.url}")

    def check(self) -> None:
        """Nothing of it happened."""
        assert self.faults == [], "\n".join(self.faults)


def axe_faults(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """What axe finds on a page, one line for each element.

    Args:
        rules: only these; all of ``TAGS`` without any.
    """
    # evaluated by the driver, which the policy of the page does not concern
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    found: dict[str, Any] = page.evaluate(
        "only => axe.run(document, {runOnly: only, resultTypes: ['violations']})", only
    )
    return [
        f"{each['id']} ({each['impact']}): {' '.join(node['target'])} · "
        f"{(node.get('failureSummary') or '').splitlines()[-1].strip()}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
