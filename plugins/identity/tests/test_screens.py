"""The queue, a pair side by side, and the panel, by forms alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest

from core.tests.web.browsing import EVIL, Browser, signed_in
from relatum.api import ContactPointDraft, CustomerDraft, Plugin
from relatum.app.house import House
from relatum.customers.types import FieldDraft
from relatum.web.environment import environment_in
from relatum.web.rendering import Renderer
from relatum_identity.engine.schema import levels_of
from relatum_identity.screens import KNOWN, STATES
from relatum_identity.services.pairs import Pairs
from relatum_identity.services.records import FIELDS, ORGANISATION_FIELDS
from relatum_identity.services.sweeping import Sweeping
from relatum_identity.types import Pair, PairQuery

ROOT = "/p/identity"


def draft(name: str, phone: str, email: str, birth: str = "") -> CustomerDraft:
    points = [
        ContactPointDraft(kind="phone", raw=phone),
        ContactPointDraft(kind="email", raw=email),
    ]
    fields = {"birth_date": birth} if birth else {}
    return CustomerDraft(display_name=name, contact_points=points, fields=fields)


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    browser = await signed_in(house)
    browser.client.headers["accept-language"] = "en"
    yield browser
    await browser.client.aclose()


@pytest.fixture
async def pair(house: House, plugin: Plugin) -> Pair:
    """A double among people who are none."""
    await house.customers.declare_fields([FieldDraft(key="birth_date", type="date")])
    drafts = [
        draft("Nguyễn Văn Hùng", "0901234567", "hung.nv@example.com", "1980-05-04"),
        draft("hung nguyen van", "+84 901 234 567", "hung.nv@example.com"),
    ]
    others = [
        draft(f"{family} Minh {given}", f"090{n}{m}17788", f"{n}{m}@example.com")
        for n, family in enumerate(("Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ"))
        for m, given in enumerate(("An", "Bình", "Chi", "Dũng", "Giang", "Hà", "Khoa", "Lan"))
    ]
    await house.customers.create(drafts + others, by="system")
    await Sweeping(plugin).sweep()
    found = (await Pairs(plugin).find(PairQuery())).items
    (double,) = [each for each in found if each.probability > 0.5]
    return double


#: What an id says that is a word itself.
ALREADY_WORDS = {"differs", "partly", "similar"}


@pytest.mark.parametrize("language", ["vi", "en"])
def test_there_are_words_for_everything_that_is_found(
    house: House, language: Literal["vi", "en"]
) -> None:
    """No field, level, rule or state is shown as programs call it."""
    words: Any = _Words(Renderer(house.registry), language)
    fields = [*FIELDS, *ORGANISATION_FIELDS]
    assert {each.name for each in fields} <= set(KNOWN)
    levels = {level.id for field in fields for level in levels_of(field)} | {"missing"}
    rules = {"another_name", "another_birth_date", "another_tax_code", "too_little_of_ones_own"}
    ids = {"field": {*KNOWN, "created"}, "level": levels, "rule": rules, "state": set(STATES)}
    for macro, some in ids.items():
        known_as_is = ALREADY_WORDS if language == "en" else set()
        same = {id for id in some if words.say(macro, id) == id}
        assert same <= known_as_is, (macro, same)


class _Words:
    """What the macros of ``words.html`` say."""

    def __init__(self, renderer: Renderer, language: Literal["vi", "en"]) -> None:
        template = environment_in(language, renderer).get_template("identity/words.html")
        self._module: Any = template.make_module({})

    def say(self, macro: str, id: str) -> str:
        return str(getattr(self._module, macro)(id))


async def test_an_empty_queue_says_so_and_asks_for_a_sweep(browser: Browser, house: House) -> None:
    page = await browser.page(ROOT)
    assert "No pair is waiting here." in page.text
    page = await browser.follow(await browser.send(page, ROOT))
    assert "Looking for doubles" in page.text
    (run,) = await house.db.fetch(
        "SELECT count(*) FROM core_queue WHERE entrypoint = 'identity.whole_sweep'"
    )
    assert run == (1,)


async def test_a_pair_is_listed_and_stands_side_by_side(browser: Browser, pair: Pair) -> None:
    queue = await browser.page(ROOT)
    assert {"href": f"{ROOT}/pairs/{pair.id}"} in queue.all("a")
    page = await browser.page(f"{ROOT}/pairs/{pair.id}")
    for text in ("Nguyễn Văn Hùng", "hung nguyen van", "hung.nv@example.com", "1980-05-04"):
        assert text in page.text
    assert "the same but for marks" in page.text
    vietnamese = await browser.page(f"{ROOT}/pairs/{pair.id}?lang=vi")
    assert "giống nhau, khác dấu" in vietnamese.text


async def test_the_panel_of_a_customer_leads_there(browser: Browser, pair: Pair) -> None:
    page = await browser.page(f"/customers/{pair.first}?lang=en")
    assert {"href": f"{ROOT}/pairs/{pair.id}"} in page.all("a")
    others = await browser.house.db.fetch(
        "SELECT id FROM core_customer WHERE id NOT IN (?, ?) LIMIT 1", pair.first, pair.second
    )
    page = await browser.page(f"/customers/{others[0][0]}")
    assert not [each for each in page.all("a") if "/p/identity/pairs/" in each["href"]]


async def test_merging_leads_to_the_one_who_stays(
    browser: Browser, plugin: Plugin, pair: Pair
) -> None:
    path = f"{ROOT}/pairs/{pair.id}"
    page = await browser.page(path)
    survivor = str(pair.second)
    answer = await browser.send(page, path, survivor=survivor, reason=EVIL)
    assert answer.status_code == 422, "a button has to be pressed"
    fields = [*page.form(path).filled(survivor=survivor, reason=EVIL), ("do", "merge")]
    answer = await browser.post(path, fields)
    assert answer.headers["location"].startswith(f"/customers/{pair.second}")
    await browser.follow(answer)
    decided = await Pairs(plugin).get(pair.id)
    assert (decided.state, decided.first, decided.second) == ("merged", pair.second, pair.second)
    merged = await browser.page(f"{ROOT}?state=merged")
    assert {"href": path} in merged.all("a")
    await browser.page(path)


async def test_two_people_are_remembered_and_not_asked_again(
    browser: Browser, plugin: Plugin, pair: Pair
) -> None:
    path = f"{ROOT}/pairs/{pair.id}"
    page = await browser.page(path)
    fields = [*page.form(path).filled(), ("do", "distinct")]
    await browser.follow(await browser.post(path, fields))
    assert (await Pairs(plugin).get(pair.id)).state == "distinct"
    await Sweeping(plugin).sweep()
    assert not [
        each for each in (await Pairs(plugin).find(PairQuery())).items if each.id == pair.id
    ]
    again = browser.shown(await browser.post(path, fields), 409)
    assert "Not the same" in again.text


@pytest.mark.parametrize(
    "bad", [[("do", "burn")], [("do", "merge"), ("survivor", "x")], [("what", "else")]]
)
async def test_bad_forms_change_nothing(
    browser: Browser, plugin: Plugin, pair: Pair, bad: list[Any]
) -> None:
    path = f"{ROOT}/pairs/{pair.id}"
    kept = [field for field in (await browser.page(path)).form(path).fields if field[0] == "csrf"]
    answer = await browser.post(path, [*kept, *bad])
    assert answer.status_code in (400, 422)
    assert (await Pairs(plugin).get(pair.id)).state == "candidate"


async def test_who_may_only_read_finds_no_buttons(browser: Browser, pair: Pair) -> None:
    reader = await signed_in(browser.house, "analyst")
    page = await reader.page(f"{ROOT}/pairs/{pair.id}")
    assert not [form for form in page.forms if form.action.startswith(ROOT)]
    page = await reader.page(ROOT)
    assert not [form for form in page.forms if form.action.startswith(ROOT)]
    await reader.client.aclose()
