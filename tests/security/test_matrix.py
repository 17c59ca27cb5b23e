"""G12: everybody at every address of core and all plugins, and nothing leaks."""

from __future__ import annotations

from tests.security.addresses import UNSAFE, without_case
from tests.security.cases import BODIES, ROWS, VALUES
from tests.security.matrix import Matrix, Tally, refused
from tests.security.people import PEOPLE
from tests.security.site import Site
from tests.structure.repository import report

#: Whoever does not see everything as it is.
RESTRICTED = [name for name in PEOPLE if name != "owner"]


async def test_every_route_has_a_case(site: Site) -> None:
    found = site.addresses
    assert len(found) > 60
    parameters = [*ROWS, *VALUES]
    missing = without_case(found, parameters=parameters, bodies=BODIES)
    assert not missing, report(missing)
    there = {(each.method, each.path) for each in found}
    gone = sorted(BODIES.keys() - there)
    assert not gone, f"cases of routes that are not there any more: {gone}"


async def test_ac_sec_02_what_is_read(site: Site) -> None:
    tally = Tally()
    for name in PEOPLE:
        tally.add(await Matrix(site, name).read_everything())
    assert not tally.wrongs, tally.report()
    assert tally.requests > 50 * len(PEOPLE)


async def test_ac_sec_02_what_is_searched(site: Site) -> None:
    tally = Tally()
    for name in RESTRICTED:
        tally.add(await Matrix(site, name, most=1).search_everything(values=1))
    assert not tally.wrongs, tally.report()
    assert tally.requests > 50 * len(RESTRICTED)


async def test_ac_sec_02_what_is_written(site: Site) -> None:
    """One after the other on one database: none of them changes anything that is hidden."""
    tally = Tally()
    for name in RESTRICTED:
        tally.add(await Matrix(site, name, most=1).write_hidden())
    assert not tally.wrongs, tally.report()
    assert tally.requests > 100


async def test_the_bodies_work(site: Site) -> None:
    """A write that fails for everybody would prove nothing about those it should fail for."""
    owner = Matrix(site, "owner", most=50)
    failed = []
    visitor = await site.signed_in("owner")
    for address in site.addresses:
        if address.method not in UNSAFE:
            continue
        if (await visitor.get("/api/v1/me")).status_code == 401:  # signed out by the last one
            visitor = await site.signed_in("owner")
        body = BODIES[address.method, address.path]
        statuses = []
        for filling in await owner.fillings(address):
            path = address.filled(filling.values)
            sent = body.sent(await owner.visible_ids())
            answer = await visitor.ask(address.method, path, **sent)
            statuses.append(f"{answer.status_code} {answer.text[:300]}")
            if answer.status_code in body.ok:
                break
        else:
            failed.append(f"{address}: {statuses or 'nothing to try it on'}")
    assert not failed, "\n".join(failed)


async def test_ac_sec_01_permissions(site: Site) -> None:
    """Who lacks the permission is refused, and who is nobody is asked who they are."""
    tally = await refused(site)
    assert not tally.wrongs, tally.report()
    assert tally.requests > 100
    guarded = {str(each) for each in site.addresses if each.permission != "public"}
    assert guarded <= tally.addresses
