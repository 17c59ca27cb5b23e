"""What the database does not say of core's own tables."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from relatum.customers.merging.catalogue import Catalogue, Unique

#: Written anew from what a customer is, by whoever writes customers.
DERIVED = frozenset({"core_rule_member"})

#: Tables whose rows are written anew when a list of a customer changes: a row is also known by
#: what it says.
SAID_BY: Mapping[str, tuple[str, ...]] = {
    "core_contact_point": ("kind", "normalised"),
    "core_customer_role": ("role",),
    "core_customer_tag": ("tag",),
    "core_external_id": ("source", "external_id"),
}
#: A customer has these once, though no index says so.
ALSO_ONCE = {
    "core_contact_point": Unique(("customer_id", "kind", "normalised"), "normalised <> ''"),
}
#: Nobody is linked to themselves.
ALSO_APART = {"core_customer_link": ("source_id", "target_id")}


def with_what_core_knows(catalogue: Catalogue) -> Catalogue:
    """The catalogue with the rules that core's services hold."""
    tables = dict(catalogue.tables)
    for name, unique in ALSO_ONCE.items():
        shape = tables[name]
        tables[name] = msgspec.structs.replace(shape, uniques=(*shape.uniques, unique))
    for name, pair in ALSO_APART.items():
        shape = tables[name]
        tables[name] = msgspec.structs.replace(shape, apart=(*shape.apart, pair))
    return msgspec.structs.replace(catalogue, tables=tables)
