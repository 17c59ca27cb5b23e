"""The table of interactions. Only ``service`` writes it."""

from typing import ClassVar

from piccolo.columns import JSON, UUID, BigInt, SmallInt, Timestamptz, Varchar
from piccolo.table import Table

from relatum.db.columns import CustomerRef, CustomerTrace, OnErase


class StoredInteraction(Table, tablename="core_interaction"):
    """One thing that happened. Rows are appended; only undoing an import removes some."""

    sensitive: ClassVar[dict[str, str]] = {"handle": "contact"}

    id = UUID(primary_key=True, default=None)
    kind = Varchar(length=120, default="")
    kind_version = SmallInt(default=1)
    customer = CustomerRef(
        db_column_name="customer_id", null=True, index=False, on_erase=OnErase.anonymise
    )
    channel = Varchar(length=60, default="")
    direction = Varchar(length=10, default="")
    occurred_at = Timestamptz(default=None, null=False)
    recorded_at = Timestamptz(default=None, null=False)
    payload = JSON(default="{}")
    amount = BigInt(default=None, null=True)
    currency = Varchar(length=3, default=None, null=True)
    handle = Varchar(length=200, default=None, null=True)
    subject = Varchar(length=200, default=None, null=True)
    actor = Varchar(length=200, default=None, null=True)
    idempotency_key = Varchar(length=200, default=None, null=True)


class ArchivedKey(Table, tablename="core_archived_key"):
    """The idempotency key of an interaction that is in the archive: it is still taken."""

    key = Varchar(length=200, primary_key=True, default=None)
    #: of the interaction
    id = UUID(default=None, null=False)
    #: no reference: the archive outlives the customer
    customer = CustomerTrace(null=True, default=None, db_column_name="customer_id")
