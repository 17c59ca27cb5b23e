"""In which order plugins come, and which of them cannot: requirements, versions, cycles."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

import msgspec

from relatum.hooks.specs import CORE_API
from relatum.plugins.discovery import Found
from relatum.plugins.manifest import Manifest
from relatum.values.problems import Problem
from relatum.values.text import nearest


class Plan(msgspec.Struct, frozen=True):
    """What the manifests of the installed plugins amount to.

    Attributes:
        order: every installed plugin, dependencies first, then by id.
        errors: what keeps a plugin out, by id: all of it, not only the first.
        notes: what should be mended but keeps nothing out, by id.
    """

    order: tuple[str, ...]
    errors: dict[str, list[Problem]]
    notes: dict[str, list[Problem]]


def plan(found: Sequence[Found], core_api: str = CORE_API) -> Plan:
    """Order the installed plugins and find every conflict between them."""
    installed = {each.id: each for each in found}
    manifests = {each.id: each.manifest for each in found if each.manifest is not None}
    requires: dict[str, Set[str]] = {
        plugin_id: {r.id for r in manifest.requires if r.id in manifests} - {plugin_id}
        for plugin_id, manifest in manifests.items()
    }
    errors = {each.id: list(each.problems) for each in found}
    for plugin_id, manifest in manifests.items():
        errors[plugin_id] += _core_api_problems(manifest, core_api)
        errors[plugin_id] += _requirement_problems(manifest, installed)
    for cycle in _cycles(requires):
        for plugin_id in cycle:
            errors[plugin_id].append(_cycle_problem(cycle))
            requires[plugin_id] = set()
    order, notes = _order({each.id: requires.get(each.id, set()) for each in found}, manifests)
    return Plan(order, {key: some for key, some in errors.items() if some}, notes)


def unmet(manifest: Manifest, reasons: Mapping[str, str]) -> list[Problem]:
    """Requirements of a plugin that are installed but will not run.

    Args:
        reasons: why not, by id, such as ``disabled``; empty for a plugin that will run.
    """
    problems = []
    for requirement in manifest.requires:
        why = reasons.get(requirement.id)
        if not why:
            continue
        mend = f"mend {requirement.id} first"
        if why == "disabled":
            mend = f"switch it on with `relatum plugins enable {requirement.id}`"
        problems.append(
            Problem(
                code="requirement-unavailable",
                message=f"it requires {requirement.id}, which is {why}",
                expected=f"{requirement} running",
                got=why,
                mend=f"{mend}, or switch {manifest.id} off",
            )
        )
    return problems


def dependents(manifests: Mapping[str, Manifest], plugin_id: str) -> list[str]:
    """Ids of the plugins that require this one, directly or through others."""
    reached = {plugin_id}
    waiting = [plugin_id]
    while waiting:
        wanted = waiting.pop()
        for each in manifests.values():
            if each.id not in reached and any(r.id == wanted for r in each.requires):
                reached.add(each.id)
                waiting.append(each.id)
    return sorted(reached - {plugin_id})


def _core_api_problems(manifest: Manifest, core_api: str) -> Iterator[Problem]:
    if not manifest.fits(core_api):
        yield Problem(
            code="core-api",
            message="it was written for another version of the hook API",
            expected=f"core_api {manifest.core_api}",
            got=core_api,
            mend=f"install a version of {manifest.id} for core_api {core_api}, or another Relatum",
        )


def _requirement_problems(manifest: Manifest, installed: Mapping[str, Found]) -> Iterator[Problem]:
    for requirement in manifest.requires:
        other = installed.get(requirement.id)
        if requirement.id == manifest.id:
            yield _requirement_problem(
                "self-requirement", str(requirement), "itself", "remove it from requires"
            )
        elif other is None:
            near = nearest(requirement.id, installed)
            mend = f"did you mean {near}? Else install" if near else "install"
            yield _requirement_problem(
                "missing-requirement",
                str(requirement),
                "not installed",
                f"{mend} a distribution that brings {requirement.id}",
            )
        elif other.manifest is not None and not requirement.accepts(other.version):
            yield _requirement_problem(
                "requirement-version",
                str(requirement),
                f"{other.id} {other.version}",
                f"install a version of {other.distribution} within {requirement.versions}",
            )


def _requirement_problem(code: str, expected: str, got: str, mend: str) -> Problem:
    return Problem(
        code=code, message="a requirement is not met", expected=expected, got=got, mend=mend
    )


def _cycle_problem(cycle: Sequence[str]) -> Problem:
    around = " → ".join([*cycle, cycle[0]])
    return Problem(
        code="cycle",
        message="plugins require each other in a circle",
        expected="requirements without a circle",
        got=around,
        mend="one of these plugins must give up its requirement; switch one off until then",
    )


def _after_note(plugin_id: str, ignored: Iterable[str]) -> Problem:
    return Problem(
        code="after-cycle",
        message="the order it asks for contradicts what other plugins ask for",
        expected="`after` without a circle",
        got=f"{plugin_id} after {', '.join(sorted(ignored))}",
        mend="remove one `after`; until then it is ignored here",
    )


def _order(
    edges: Mapping[str, Set[str]], manifests: Mapping[str, Manifest]
) -> tuple[tuple[str, ...], dict[str, list[Problem]]]:
    """Dependencies first, ties by id. A wish (``after``) that closes a circle is given up."""
    edges = dict(edges)
    notes: dict[str, list[Problem]] = {}
    for plugin_id in sorted(manifests):
        wished = {each for each in manifests[plugin_id].after if each in manifests}
        ignored = {each for each in wished if _reaches(edges, each, plugin_id)}
        edges[plugin_id] = edges[plugin_id] | (wished - ignored)
        if ignored:
            notes[plugin_id] = [_after_note(plugin_id, ignored)]
    return tuple(_sorted(edges)), notes


def _reaches(edges: Mapping[str, Set[str]], start: str, goal: str) -> bool:
    waiting, seen = [start], {start}
    while waiting:
        here = waiting.pop()
        if here == goal:
            return True
        waiting += edges[here] - seen
        seen |= edges[here]
    return False


def _sorted(edges: Mapping[str, Set[str]]) -> list[str]:
    """Topological order by Kahn, the smallest id first."""
    missing = {plugin_id: len(before) for plugin_id, before in edges.items()}
    ready = [plugin_id for plugin_id, count in missing.items() if not count]
    heapq.heapify(ready)
    order = []
    while ready:
        here = heapq.heappop(ready)
        order.append(here)
        for plugin_id, before in edges.items():
            if here in before:
                missing[plugin_id] -= 1
                if not missing[plugin_id]:
                    heapq.heappush(ready, plugin_id)
    return order


def _cycles(edges: Mapping[str, Set[str]]) -> list[list[str]]:
    """One shortest circle for each group of plugins that require each other, smallest id first."""
    cycles: list[list[str]] = []
    for start in sorted(edges):
        if not any(start in cycle for cycle in cycles):
            cycle = _shortest_way(edges, start, start)
            if len(cycle) > 1:
                cycles.append(cycle)
    return cycles


def _shortest_way(edges: Mapping[str, Set[str]], start: str, goal: str) -> list[str]:
    """The nodes from ``start`` to just before ``goal``; empty when no way leads there."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for after in sorted(edges[way[-1]]):
            if after == goal:
                return way
            if after not in seen:
                seen.add(after)
                ways.append([*way, after])
    return []
