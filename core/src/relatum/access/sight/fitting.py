"""Whether a customer fits a rule: once for rows at hand, once as SQL for rows in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

from relatum.access.policies import Condition, Rule
from relatum.db.database import marks

#: the attribute → the table and column of its values
_LISTS = {"tag": ("core_customer_tag", "tag"), "role": ("core_customer_role", "role")}
_FIELD = "field."


class Facts(Protocol):
    """What rules look at."""

    @property
    def kind(self) -> str: ...
    @property
    def roles(self) -> Sequence[str]: ...
    @property
    def tags(self) -> Sequence[str]: ...
    @property
    def fields(self) -> Mapping[str, Any]: ...


def fits(rule: Rule, facts: Facts) -> bool:
    """Whether every condition of ``all_of`` holds and none of ``none_of``."""
    return all(_holds(condition, facts) for condition in rule.all_of) and not any(
        _holds(condition, facts) for condition in rule.none_of
    )


def _holds(condition: Condition, facts: Facts) -> bool:
    return any(value in condition.is_one_of for value in _values(condition.attribute, facts))


def _values(attribute: str, facts: Facts) -> Iterable[str]:
    if attribute == "kind":
        return (facts.kind,)
    if attribute == "tag":
        return facts.tags
    if attribute == "role":
        return facts.roles
    value = facts.fields.get(attribute.removeprefix(_FIELD))
    return () if value is None else (stored_text(value),)


def stored_text(value: Any) -> str:
    """The value of a custom field as rules compare it: ``true``, ``12``, ``dry``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def field_keys(rule: Rule) -> set[str]:
    """The custom fields that a rule looks at."""
    return {
        condition.attribute.removeprefix(_FIELD)
        for condition in (*rule.all_of, *rule.none_of)
        if condition.attribute.startswith(_FIELD)
    }


def predicate_of(
    rule: Rule, *, alias: str, kind: Literal["sqlite", "postgresql"]
) -> tuple[str, list[str]]:
    """The same as :func:`fits`, as a condition with its parameters.

    Args:
        alias: of ``core_customer`` in the statement.
        kind: of the database, for looking into JSON.
    """
    conditions: list[str] = []
    params: list[str] = []
    for negated, some in (("", rule.all_of), ("NOT ", rule.none_of)):
        for condition in some:
            conditions.append(negated + _condition_sql(condition, alias, kind))
            params += condition.is_one_of
    return " AND ".join(conditions), params


def _condition_sql(condition: Condition, alias: str, kind: str) -> str:
    among = f"IN ({marks(len(condition.is_one_of))})"
    if condition.attribute == "kind":
        return f"{alias}.kind {among}"
    if condition.attribute in _LISTS:
        table, column = _LISTS[condition.attribute]
        return (
            f"EXISTS (SELECT 1 FROM {table} x WHERE x.customer_id = {alias}.id "  # noqa: S608 - names of our own
            f"AND x.{column} {among})"
        )
    key = condition.attribute.removeprefix(_FIELD)
    return f"coalesce({_field_text(key, alias, kind)} {among}, FALSE)"


def _field_text(key: str, alias: str, kind: str) -> str:
    """``key`` is of letters, digits and underscores: ``Condition`` takes nothing else."""
    if kind == "postgresql":
        return f"({alias}.fields::json ->> '{key}')"
    # SQLite reads truth values of JSON as 1 and 0.
    path = f"{alias}.fields, '$.{key}'"
    return (
        f"CASE json_type({path}) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' "
        f"ELSE CAST(json_extract({path}) AS TEXT) END"
    )
