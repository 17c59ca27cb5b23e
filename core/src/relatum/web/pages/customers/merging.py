"""Two people changed the same customer: what comes of it. No I/O.

Three versions are compared: the one both began with, the one that is stored now, and what the
second one typed. What only one of them changed is taken as they changed it. What both changed
otherwise is kept of both: lists hold what either put in, and of a single value the second one's
text stays in the form with the stored one beside it, to choose.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from relatum.web.pages.customers.typed import Typed, TypedPoint

SINGLE = ("display_name", "kind", "owner", "team")
FIELD = "field-"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One part in which the versions differ.

    Attributes:
        name: of the field of the form: ``display_name``, ``points``, ``field-city``.
        both: both changed it, each otherwise, and one has to be chosen.
    """

    name: str
    before: str | list[str] | list[TypedPoint]
    theirs: str | list[str] | list[TypedPoint]
    mine: str | list[str] | list[TypedPoint]
    both: bool


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """What the form holds now, and everything in which the versions differed."""

    typed: Typed
    differences: list[Difference]


def merge(base: Typed, theirs: Typed, mine: Typed) -> Merged:
    """Bring what was typed together with what was stored meanwhile."""
    differences: list[Difference] = []
    values = {
        name: _single(
            name, getattr(base, name), getattr(theirs, name), getattr(mine, name), differences
        )
        for name in SINGLE
    }
    keys = dict.fromkeys([*base.fields, *theirs.fields, *mine.fields])
    fields = {
        key: _single(
            f"{FIELD}{key}",
            base.fields.get(key, ""),
            theirs.fields.get(key, ""),
            mine.fields.get(key, ""),
            differences,
        )
        for key in keys
    }
    lists = {
        name: _several(
            name, getattr(base, name), getattr(theirs, name), getattr(mine, name), differences
        )
        for name in ("roles", "tags")
    }
    points = _points(base.points, theirs.points, mine.points)
    if theirs.points != base.points:
        differences.append(
            Difference(
                name="points",
                before=base.points,
                theirs=theirs.points,
                mine=mine.points,
                both=False,
            )
        )
    typed = msgspec.structs.replace(
        mine,
        **values,
        **lists,
        points=points,
        fields={key: text for key, text in fields.items() if text},
    )
    return Merged(typed=typed, differences=differences)


def _single(name: str, base: str, theirs: str, mine: str, noted: list[Difference]) -> str:
    """One value; theirs where only they changed it, else mine."""
    if theirs in (base, mine):
        return mine
    both = mine != base
    noted.append(Difference(name=name, before=base, theirs=theirs, mine=mine, both=both))
    return mine if both else theirs


def _several(
    name: str,
    base: Sequence[str],
    theirs: Sequence[str],
    mine: Sequence[str],
    noted: list[Difference],
) -> list[str]:
    """Words: what either added, without what either took away."""
    if list(theirs) != list(base):
        noted.append(
            Difference(
                name=name, before=list(base), theirs=list(theirs), mine=list(mine), both=False
            )
        )
    kept = [word for word in theirs if word not in base or word in mine]
    return kept + [word for word in mine if word not in base and word not in kept]


def _points(
    base: Sequence[TypedPoint], theirs: Sequence[TypedPoint], mine: Sequence[TypedPoint]
) -> list[TypedPoint]:
    """Contact points by what they reach: a point that either typed stays, unless the other one
    only took it away and nobody touched it.
    """
    before = {point.key: point for point in base}
    stored = {point.key: point for point in theirs}
    typed = {point.key: point for point in mine}
    kept = []
    for key in {**stored, **typed}:
        old, their, my = before.get(key), stored.get(key), typed.get(key)
        if their is not None and my is not None:
            kept.append(_joined(old, their, my))
        elif their is not None and their != old:
            kept.append(their)
        elif my is not None and my != old:
            kept.append(my)
    return kept


def _joined(old: TypedPoint | None, their: TypedPoint, my: TypedPoint) -> TypedPoint:
    """The same point of both: a label that both wrote otherwise holds both."""
    was = old or TypedPoint(kind=my.kind, raw=my.raw)
    label = my.label if their.label in (was.label, my.label) else their.label
    if their.label != my.label and was.label not in (their.label, my.label):
        label = " / ".join(each for each in (my.label, their.label) if each)
    primary = my.primary if my.primary != was.primary else their.primary
    return msgspec.structs.replace(my, label=label, primary=primary)
