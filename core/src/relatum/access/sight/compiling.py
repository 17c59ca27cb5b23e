"""From a sight to the shadows of every guarded table. Pure: nothing is read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from relatum.access.purposes.acting import NO_LIMIT, Limit
from relatum.access.sight import masking
from relatum.access.sight.masking import Kind, Masked
from relatum.access.viewer import Sight
from relatum.db.columns import CUSTOMER_TABLE
from relatum.db.guarded import GuardedTable
from relatum.db.guarding import Guard, Shadow
from relatum.values.sensitivity import Sensitivity, is_concealed

MEMBERS = "core_rule_member"
#: Columns with copies of rows of customers. From whom a custom field is withheld, they are.
COPIES: Mapping[str, tuple[str, ...]] = {
    "core_merge_row": ("before", "after", "content"),
    "core_import_batch": ("before",),
}
_NOBODY = "1 = 0"


class SightGuard(Guard, frozen=True, kw_only=True):
    """A guard that knows what it was made from.

    Attributes:
        sight: which customers it shows.
        details: masks the same and hides nothing: for rows whose owner is known to be visible.
    """

    sight: Sight
    details: Guard | None = None


class Source(msgspec.Struct, frozen=True):
    """One reason why customers are visible: they belong to somebody, to a team, or fit a rule."""

    kind: Literal["owner", "team", "rule"]
    value: Any


def sources_of(sight: Sight) -> list[Source]:
    """Every reason, each once."""
    return [
        *(Source("owner", owner) for owner in dict.fromkeys(sight.owners)),
        *(Source("team", team) for team in dict.fromkeys(sight.teams)),
        *(Source("rule", rule) for rule in dict.fromkeys(sight.rules)),
    ]


def guard_for(
    sight: Sight,
    tables: Sequence[GuardedTable],
    masked: Masked,
    *,
    kind: Kind,
    limit: Limit = NO_LIMIT,
    notice: Callable[[], None] | None = None,
) -> SightGuard | None:
    """The guard; ``None`` when everything is seen as it is.

    Args:
        limit: what is withheld from the plugin at work, whoever looks.
        notice: called before each statement that reads something of it.
    """
    if sight.everything and not sight.masked and not limit:
        return None

    def guard(of: Sight, details: Guard | None) -> SightGuard:
        compiler = _Compiler(of, masked, kind, limit, keys={each.name: each.key for each in tables})
        shadows = {table.name: shadow for table in tables if (shadow := compiler.shadow(table))}
        text = "\x00".join(f"{name}\x01{shadow.select}" for name, shadow in shadows.items())
        return SightGuard(
            shape=hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
            shadows=shadows,
            masks=bool(compiler.hidden),
            noticed=notice if limit else None,
            sight=sight,
            details=details,
        )

    details = None
    if not sight.everything and (sight.masked or limit):
        details = guard(Sight(everything=True, masked=sight.masked), None)
    return guard(sight, details)


class _Compiler:
    def __init__(
        self,
        sight: Sight,
        masked: Masked,
        kind: Kind,
        limit: Limit,
        *,
        keys: Mapping[str, str],
    ) -> None:
        self._sight = sight
        self._masked = masked
        self._kind = kind
        self._keys = keys
        self._limit = limit
        self.hidden = sight.masked | limit.masked

    def shadow(self, table: GuardedTable) -> Shadow | None:
        """What stands in for the table; ``None`` when it is shown as it is."""
        masks = self._masks(table, self.hidden, self._limit.withheld)
        hides = table.hides_rows and not self._sight.everything
        if not masks and not hides:
            return None
        columns = ", ".join(
            f'{masks[name]} AS "{name}"' if name in masks else f'g."{name}"'
            for name in table.columns
        )
        where, params, needs = self._rows(table) if hides else ("", (), ())
        return Shadow(
            select=f"SELECT {columns} FROM {{table}} g" + (f" WHERE {where}" if where else ""),  # noqa: S608 - names of tables
            params=params,
            needs=needs,
            key=table.key,
            hides_rows=hides,
            masked=frozenset(masks),
            refers=table.refers if hides else {},
            watched=self._watched(table, masks),
        )

    def _watched(self, table: GuardedTable, masks: Mapping[str, str]) -> frozenset[str]:
        """The columns that are otherwise than the viewer alone would see them."""
        if not self._limit:
            return frozenset()
        plain = self._masks(table, self._sight.masked, frozenset())
        return frozenset(name for name, mask in masks.items() if plain.get(name) != mask)

    # -- rows ------------------------------------------------------------------------------------

    def _rows(self, table: GuardedTable) -> tuple[str, tuple[Any, ...], tuple[str, ...]]:
        """The condition with its parameters, and the tables whose shadows it names."""
        if table.name == CUSTOMER_TABLE:
            return (*self._customers(), ())
        if table.name == MEMBERS:
            marks, params = _among(self._sight.rules)
            return (f"g.rule_id IN ({marks})", params, ()) if params else (_NOBODY, (), ())
        if table.across_customers:
            return _NOBODY, (), ()
        pairs = [*((column, CUSTOMER_TABLE, "id") for column in table.customers)]
        pairs += [(column, parent, self._keys[parent]) for column, parent in table.parents.items()]
        conditions = [
            f'(g."{column}" IS NULL OR EXISTS '  # noqa: S608 - names of tables
            f'(SELECT 1 FROM {parent} s WHERE s."{key}" = g."{column}")'
            + ("" if column in table.refers else _MERGED.format(column=column))
            + ")"
            for column, parent, key in pairs
        ]
        return " AND ".join(conditions), (), tuple(dict.fromkeys(parent for _, parent, _ in pairs))

    def _customers(self) -> tuple[str, tuple[Any, ...]]:
        sight = self._sight
        conditions: list[str] = []
        params: tuple[Any, ...] = ()
        for column, values in (("owner_id", sight.owners), ("team_id", sight.teams)):
            if values:
                marks, padded = _among(values)
                conditions.append(f"g.{column} IN ({marks})")
                params += padded
        if sight.rules:
            marks, padded = _among(sight.rules)
            conditions.append(
                f"EXISTS (SELECT 1 FROM {{real}}.{MEMBERS} m "  # noqa: S608 - a name of our own
                f"WHERE m.customer_id = g.id AND m.rule_id IN ({marks}))"
            )
            params += padded
        return " OR ".join(conditions) or _NOBODY, params

    # -- columns ---------------------------------------------------------------------------------

    def _masks(
        self, table: GuardedTable, hidden: frozenset[Sensitivity], withheld: frozenset[str]
    ) -> dict[str, str]:
        """Column → what stands in for it."""
        masks = {
            column: self._whole(table, column)
            for column, sensitivity in table.sensitive.items()
            if is_concealed(sensitivity, hidden)
        }
        if withheld:
            masks |= {column: self._whole(table, column) for column in COPIES.get(table.name, ())}
        special = _SPECIAL.get(table.name)
        if special is None or not (hidden or withheld):
            return masks
        return masks | dict(special(self, hidden, withheld))

    def _whole(self, table: GuardedTable, column: str) -> str:
        if (table.name, column) in self._masked.jsons:
            return masking.empty_json(self._kind)
        return masking.whole_column(column, table.columns[column])

    def _of_customers(
        self, hidden: frozenset[Sensitivity], withheld: frozenset[str]
    ) -> Mapping[str, str]:
        masks = {"search": "g.search_name"} if "contact" in hidden else {}
        fields = [key for key, of in self._masked.fields if is_concealed(of, hidden)]
        if fields or withheld:
            shown = masking.inside_json("fields", fields, self._kind)
            masks["fields"] = masking.without_keys(shown, sorted(withheld), self._kind)
        return masks

    def _of_contact_points(
        self, hidden: frozenset[Sensitivity], _withheld: frozenset[str]
    ) -> Mapping[str, str]:
        if "contact" not in hidden:
            return {}
        return {
            column: masking.contact_point(column, self._kind) for column in ("raw", "normalised")
        }

    def _of_interactions(
        self, hidden: frozenset[Sensitivity], _withheld: frozenset[str]
    ) -> Mapping[str, str]:
        if not hidden:
            return {}
        masks = {"payload": masking.payload(self._masked, hidden, self._kind)}
        if "contact" in hidden:
            masks["handle"] = masking.whole_column("handle", str)
        return masks

    def _of_events(
        self, hidden: frozenset[Sensitivity], withheld: frozenset[str]
    ) -> Mapping[str, str]:
        # A payload may tell any field, before and after.
        if hidden:
            return {"payload": masking.empty_json(self._kind)}
        return {"payload": masking.event_payload(sorted(withheld), self._kind)}


#: Of somebody who was merged (a trace may name them) is seen what is seen of the survivor.
_MERGED = (
    f" OR EXISTS (SELECT 1 FROM {{{{real}}}}.core_merge m "  # noqa: S608 - names of our own
    f"JOIN {CUSTOMER_TABLE} s ON s.id = m.customer_id "
    'WHERE m.absorbed_id = g."{column}" AND m.undone_at IS NULL)'
)

_SPECIAL = {
    CUSTOMER_TABLE: _Compiler._of_customers,
    "core_contact_point": _Compiler._of_contact_points,
    "core_interaction": _Compiler._of_interactions,
    "core_event": _Compiler._of_events,
}


def _among(values: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """Marks and parameters of an ``IN``, padded to a power of two: fewer different statements."""
    if not values:
        return "", ()
    size = 1 << (len(values) - 1).bit_length()
    return ",".join("?" * size), (*values, *[values[-1]] * (size - len(values)))
