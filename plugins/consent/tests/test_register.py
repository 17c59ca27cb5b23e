"""The register of processing: the page in both languages, the file, and what is to be mended."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from core.tests.web.browsing import Browser, signed_in
from relatum.api import Plugin, Processing, Processor, Text
from relatum.app.house import House

HERE = "/p/consent/register"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    browser = await signed_in(house, "manager")
    browser.client.headers["accept-language"] = "en"
    yield browser
    await browser.client.aclose()


def entry(**changes: Any) -> Processing:
    sound = Processing(
        id="points",
        title=Text(en="=Points", vi="=Điểm"),
        purpose="service",
        basis="contract",
        data=("contact", "health"),
        subjects=("customers",),
        recipients=(Text(en="A printer", vi="Nhà in"),),
        abroad=True,
        retention=Text(en="A year", vi="Một năm"),
    )
    return msgspec.structs.replace(sound, **changes)


def processor(*entries: Processing, **changes: Any) -> Processor:
    made = Processor(
        id="spa",
        title="Spa",
        version="1",
        state="disabled",
        holds_customers=True,
        processing=entries,
    )
    return msgspec.structs.replace(made, **changes)


@pytest.fixture
def spa(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that is off, and one whose manifest nobody can read, beside those that are here."""
    installed = house.processing._installed
    broken = entry(id="flyers", purpose="advertising"), entry(id="stars", purpose="astrology")
    more = [
        processor(entry(), *broken),
        processor(id="mute"),
        processor(id="torn", state="quarantined", holds_customers=False),
    ]
    monkeypatch.setattr(house.processing, "_installed", lambda: iter([*installed(), *more]))


async def test_every_part_of_the_house_is_there(browser: Browser, plugin: Plugin) -> None:
    page = await browser.page(HERE)
    listed = plugin.house.processing.processors()
    assert len(listed) >= 6
    for part in listed:
        assert part.id in page.text
        assert part.processing, part.id
        assert not part.findings
        for each in part.processing:
            assert each.title.en in page.text
    assert "To be mended" not in page.text
    assert {"href": f"{HERE}/file"}.items() <= _link(page, f"{HERE}/file").items()


async def test_in_vietnamese(browser: Browser, plugin: Plugin) -> None:
    page = await browser.page(f"{HERE}?lang=vi")
    assert "Sổ hoạt động xử lý dữ liệu" in page.text
    for part in plugin.house.processing.processors():
        for each in part.processing:
            assert each.title.vi in page.text
    assert "lợi ích hợp pháp" in page.text
    assert "legitimate interest" not in page.text


@pytest.mark.usefixtures("spa")
async def test_what_is_to_be_mended(browser: Browser) -> None:
    page = await browser.page(HERE)
    said = " ".join(page.text.split())
    for text in (
        "To be mended",
        "off, keeps its data",
        "kept out",
        "=Points: its purpose demands consent, its basis is another one.",
        "=Points: nobody declares its purpose.",
        "It keeps data of customers and declares no processing.",
        "It declares no processing of personal data.",
        "A printer",
        "Leaves the country",
        "A year",
        "contact, health",
        "astrology",
    ):
        assert text in said, text


@pytest.mark.usefixtures("spa")
@pytest.mark.parametrize(("language", "abroad"), [("en", "yes"), ("vi", "có")])
async def test_the_file(browser: Browser, plugin: Plugin, language: str, abroad: str) -> None:
    answer = await browser.answer(f"{HERE}/file?lang={language}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.content.startswith(BYTE_ORDER_MARK)
    head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert len(head) == 12
    assert {len(row) for row in rows} == {12}
    listed = plugin.house.processing.processors()
    assert len(rows) == sum(len(part.processing) or 1 for part in listed)
    (points,) = (row for row in rows if row[0] == "spa" and row[11])
    # never a formula
    assert points[3] == {"en": "'=Points", "vi": "'=Điểm"}[language]
    assert points[9] == abroad
    assert points[11].count("\n") == 1


async def test_who_may_see_it(house: House) -> None:
    care = await signed_in(house, "care")
    for path in (HERE, f"{HERE}/file"):
        assert (await care.answer(path)).status_code == 403
    await care.client.aclose()


def _link(page: Any, href: str) -> dict[str, str]:
    return next(each for each in page.all("a") if each.get("href") == href)
