"""Pictures of the main pages for the documentation: ``make pictures``."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from relatum.customers.types import CustomerQuery
from tests.browser.conftest import sign_in
from tests.browser.looking import context_of
from tests.browser.site import OWNER, Site
from tests.growing.programs import program

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
COLOURS = 96


class Picture(NamedTuple):
    """One picture.

    Attributes:
        name: of its file, without the ending.
        path: of the page; ``{customer}`` is one with much to show, ``{deal}`` an open deal.
        press: a key that is pressed before.
    """

    name: str
    path: str
    language: str = "vi"
    theme: str = "light"
    phone: bool = False
    press: str = ""
    type: str = ""


PICTURES = (
    Picture("dashboard", "/"),
    Picture("dashboard-dark", "/", "en", "dark"),
    Picture("customers", "/customers"),
    Picture("customer", "/customers/{customer}"),
    Picture("customer-dark", "/customers/{customer}", "en", "dark"),
    Picture("board", "/p/sales_pipeline/board"),
    Picture("board-dark", "/p/sales_pipeline/board", "en", "dark"),
    Picture("deal", "/p/sales_pipeline/deals/{deal}"),
    Picture("forecast", "/p/sales_pipeline/forecast"),
    Picture("leads", "/p/sales_pipeline/leads"),
    Picture("wins", "/p/sales_pipeline/wins", "en"),
    Picture("reports", "/reports"),
    Picture("imports", "/imports"),
    Picture("settings", "/settings"),
    Picture("plugins", "/settings/plugins", "en"),
    Picture("palette", "/customers", press="Control+k", type="nguyen"),
    Picture("phone-customers", "/customers", phone=True),
    Picture("phone-customer", "/customers/{customer}", theme="dark", phone=True),
    Picture("phone-board", "/p/sales_pipeline/board", phone=True),
)


def take(chromium: Browser, site: Site, state: Any, picture: Picture, ids: dict[str, str]) -> bytes:
    """One picture as PNG."""
    context = context_of(
        chromium,
        site,
        state,
        language=picture.language,
        theme=picture.theme,
        phone=picture.phone,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(picture.path.format(**ids), wait_until="networkidle")
    if picture.press:
        _type(page, picture)
    taken = page.screenshot(caret="initial")
    context.close()
    return taken


def _type(page: Page, picture: Picture) -> None:
    page.keyboard.press(picture.press)
    page.keyboard.type(picture.type)
    page.wait_for_timeout(1_000)


def ids_of(site: Site) -> dict[str, str]:
    """A customer with much to show and an open deal of the demo."""

    async def find(house: Any) -> dict[str, str]:
        busy = await house.db.fetch(
            "SELECT customer_id FROM core_interaction WHERE customer_id IS NOT NULL "
            "GROUP BY customer_id ORDER BY count(*) DESC, customer_id LIMIT 1"
        )
        deal = await house.db.fetch(
            "SELECT id FROM sales_pipeline_deal WHERE closed_on IS NULL AND amount IS NOT NULL "
            "ORDER BY id LIMIT 1"
        )
        first = await house.customers.find(CustomerQuery(limit=1))
        customer = busy[0][0] if busy else first.items[0].id
        return {"customer": str(customer), "deal": str(deal[0][0])}

    found: dict[str, str] = site.inside(find)
    return found


def smaller(taken: bytes) -> bytes:
    """The same picture in few colours: a third of the bytes, no difference to the eye."""
    with Image.open(io.BytesIO(taken)) as image:
        few = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True)
    return file.getvalue()


def main() -> None:
    """All of them, or those whose names are given."""
    wanted = set(sys.argv[1:])
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program("chromium", "chromium"), args=["--no-sandbox"]
        )
        site = Site(Path(folder))
        site.fill()
        with site.running():
            state, ids = sign_in(chromium, site, OWNER), ids_of(site)
            for picture in PICTURES:
                if not wanted or picture.name in wanted:
                    taken = smaller(take(chromium, site, state, picture, ids))
                    (FOLDER / f"{picture.name}.png").write_bytes(taken)
                    sys.stdout.write(f"{picture.name}.png {len(taken) // 1000} KB\n")
        chromium.close()


if __name__ == "__main__":
    main()
