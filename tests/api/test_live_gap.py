"""Nothing falls between a page and its stream, nor between one stream and the next."""

from __future__ import annotations

import re
from typing import Any

import pytest

from relatum.customers.types import CustomerDraft
from relatum.http import live
from relatum.http import marks as marks_of
from relatum_sdk.people import client_of
from tests.api.test_live import Place, Reader, make

__all__ = ["make"]

CREATED = ["core.customer_created"]


async def _page(place: Place, token: str, path: str = "/customers") -> str:
    """The mark on a page, as its script reads it."""
    async with client_of(place.app) as client:
        headers = {"accept": "text/html", "authorization": f"Bearer {token}"}
        answer = await client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text[:500]
    (mark,) = re.findall(r'<body[^>]* data-live="([^"]+)"', answer.text)
    return str(mark)


async def _since(place: Place, token: str, mark: str) -> dict[str, Any]:
    async with client_of(place.app, token=token) as client:
        answer = await client.get("/api/v1/live/changes", params={"since": mark})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _continued(place: Place, token: str, mark: str, **headers: str) -> Reader:
    reader = place.open(token, since=mark, **headers)
    assert await reader.next() == ("continued", {})
    return reader


async def test_a_change_between_a_page_and_its_stream_is_told(make: Any) -> None:
    place = await make()
    _, token = await place.person("owner")
    await place.customer("Before")
    mark = await _page(place, token)
    gap = await place.customer("In the gap")
    reader = await _continued(place, token, mark)
    assert await reader.changed() == {str(gap): CREATED}
    after = await place.customer("After")
    assert await reader.changed() == {str(after): CREATED}
    assert await reader.silent(0.3)


async def test_a_change_while_a_page_is_read_is_told(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark is from before the rows of the page, not from when it was sent."""
    place = await make()
    _, token = await place.person("owner")
    shown, get, made = await place.customer(), place.house.customers.get, []

    async def slowly(*given: Any, **named: Any) -> Any:
        found = await get(*given, **named)
        made.append(await place.customer("Too late for the page"))
        return found

    monkeypatch.setattr(place.house.customers, "get", slowly)
    mark = await _page(place, token, f"/customers/{shown}")
    monkeypatch.undo()
    assert made
    reader = await _continued(place, token, mark)
    assert await reader.changed() == {str(id): CREATED for id in made}


async def test_a_page_of_one_process_and_the_stream_of_another(make: Any) -> None:
    here, there = await make(), await make()
    _, token = await here.person("owner")
    mark = await _page(here, token)
    gap = await there.customer("In the gap")
    also = await here.customer("In the gap, too")
    reader = await _continued(there, token, mark)
    told = await reader.changed()
    assert told == {str(gap): CREATED, str(also): CREATED}


async def test_what_is_open_while_the_page_is_read_is_told_when_it_is_committed(make: Any) -> None:
    """On PostgreSQL numbers are drawn before commit: a smaller one may come later."""
    place, other = await make(), await make()
    if place.house.db.kind == "sqlite":
        pytest.skip("SQLite has one writer: numbers grow in the order of commits")
    _, token = await place.person("owner")
    async with other.house.db.transaction():
        late = await other.customer("Committed last")
        early = await place.customer("Committed first")
        mark = await _page(place, token)
    reader = await _continued(place, token, mark)
    told: dict[str, list[str]] = {}
    while str(late) not in told:
        told |= await reader.changed()
    assert set(told) <= {str(late), str(early)}


async def test_in_the_gap_too_only_what_one_sees_and_may_know(make: Any) -> None:
    place = await make()
    lan, hers = await place.person("sales")
    minh, _ = await place.person("sales")
    mark = await _page(place, hers)
    mine, other = await place.customer("A", owner=lan), await place.customer("B", owner=minh)
    reader = await _continued(place, hers, mark)
    assert await reader.changed() == {str(mine): CREATED}
    assert await reader.silent(0.3)
    told = await _since(place, hers, mark)
    assert told["complete"] is True
    assert told["customers"] == [{"id": str(mine), "events": CREATED}]
    assert str(other) not in str(told)


async def test_another_tab_asks_once_and_goes_on_from_there(make: Any) -> None:
    place = await make()
    _, token = await place.person("owner")
    mark = await _page(place, token)
    first = await place.customer("One")
    told = await _since(place, token, mark)
    assert [each["id"] for each in told["customers"]] == [str(first)]
    assert (await _since(place, token, told["mark"]))["customers"] == []
    second = await place.customer("Two")
    again = await _since(place, token, told["mark"])
    assert [each["id"] for each in again["customers"]] == [str(second)]


async def test_a_stream_goes_on_where_another_ended(make: Any) -> None:
    place = await make()
    _, token = await place.person("owner")
    reader = await place.stream(token)
    await place.customer("Told")
    await reader.changed()
    await reader.close()
    missed = await place.customer("While nobody heard")
    for more in ({"since": reader.ids[-1]}, {"last-event-id": reader.ids[-1]}):
        next_one = place.open(token, **more)
        assert await next_one.next() == ("continued", {})
        assert await next_one.changed() == {str(missed): CREATED}


async def test_marks_say_nothing_of_how_much_happens(make: Any) -> None:
    place = await make()
    _, token = await place.person("owner")
    one, two = await _page(place, token), await _page(place, token)
    assert one != two, "the same place, and nobody can tell"
    assert len(one) == len(two) <= marks_of.LONGEST_MARK


@pytest.mark.parametrize("mark", ["x", "1", "k:AAAA", "0" * 200, "é", ":", "a:b:c", "-1"])
async def test_what_is_no_mark_of_ours_begins_anew(make: Any, mark: str) -> None:
    place = await make()
    _, token = await place.person("owner")
    reader = place.open(token, since=mark)
    assert await reader.next() == ("hello", {})


async def test_marks_that_are_good_no_more(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    place = await make()
    _, token = await place.person("owner")
    mark = await _page(place, token)
    later = place.app.live.marks.text(10**9)
    monkeypatch.setattr(marks_of, "GOOD_SECONDS", -2)
    for no_more in (mark, later):
        assert await place.open(token, since=no_more).next() == ("hello", {})
        assert (await _since(place, token, no_more))["complete"] is False
    monkeypatch.undo()
    assert await place.open(token, since=later).next() == ("hello", {}), "of another database"


async def test_too_much_in_the_gap_says_to_look_again(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_EVENTS", 10)
    place = await make()
    _, token = await place.person("owner")
    mark = await _page(place, token)
    drafts = [CustomerDraft(display_name=f"C{n}") for n in range(30)]
    await place.house.customers.create(drafts, by="system")
    assert await place.open(token, since=mark).next() == ("hello", {})
    assert (await _since(place, token, mark))["customers"] == []


async def test_what_is_left_to_tell_is_not_passed_over(make: Any) -> None:
    """A message before which something waits has no id: a stream after it begins earlier."""
    place = await make()
    _, token = await place.person("owner")
    mark = await _page(place, token)
    await place.customer("In the gap")
    reader = await _continued(place, token, mark)
    assert len(await reader.changed()) == 1
    first, second = reader.ids
    assert not first
    assert second


async def test_pages_of_who_may_not_follow_have_no_mark(make: Any) -> None:
    place = await make()
    account, _ = await place.person("owner")
    from relatum_sdk.people import make_token

    token = await make_token(place.house, account, scopes=["core.reports.read"])
    async with client_of(place.app) as client:
        headers = {"accept": "text/html", "authorization": f"Bearer {token}"}
        answer = await client.get("/", headers=headers)
    assert answer.status_code == 200
    assert "data-live" not in answer.text.partition("<main")[0]
