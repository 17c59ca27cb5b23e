"""Tables of the event log and its handlers."""

from piccolo.columns import (
    JSON,
    UUID,
    BigInt,
    BigSerial,
    Boolean,
    Bytea,
    Integer,
    Real,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table

from relatum.db.columns import CustomerTrace


class StoredEvent(Table, tablename="core_event"):
    """One fact. Rows are appended and never changed."""

    seq = BigSerial(primary_key=True)
    type = Varchar(length=120)
    version = SmallInt(default=1)
    #: no reference: the log outlives the customer
    customer = CustomerTrace(null=True, default=None, db_column_name="customer_id")
    recorded_at = Timestamptz(default=None, null=False)
    by = Varchar(length=120)
    payload = JSON(default="{}")
    #: on whose request and why, where somebody said so
    context = JSON(default=None, null=True)


class EventSeal(Table, tablename="core_event_seal"):
    """A stretch of the log as it was; see ``seals``."""

    number = BigInt(primary_key=True, default=None)
    first_seq = BigInt(default=None, null=False)
    last_seq = BigInt(default=None, null=False)
    digests = Bytea(default=b"")
    previous = Bytea(default=b"")
    hash = Bytea(default=b"")
    key = Varchar(length=40)
    sealed_at = Timestamptz(default=None, null=False)


class HandlerPosition(Table, tablename="core_handler"):
    """How far a range of customers has come at one handler; written in the transaction of its
    effect. The first range has the handler's id; see ``positions``."""

    id = Varchar(length=160, primary_key=True, default=None)
    position = BigInt(default=0)
    handler = Varchar(length=160)
    lo = Integer(default=0)
    hi = Integer(default=65536)
    paused = Boolean(default=False)
    handled = BigInt(default=0)
    rate = Real(default=0.0)
    replay_until = BigInt(default=None, null=True)
    replay_total = BigInt(default=None, null=True)
    started_at = Timestamptz(default=None, null=True)
    updated_at = Timestamptz(default=None, null=False)


class ParkedEvent(Table, tablename="core_parked_event"):
    """An event that a handler could not take, or one that waits behind such a one."""

    id = UUID(primary_key=True, default=None)
    handler = Varchar(length=160)
    seq = BigInt()
    customer = CustomerTrace(null=True, default=None, db_column_name="customer_id")
    attempts = Integer(default=0)
    #: when it is tried again by itself; empty once given up
    retry_at = Timestamptz(default=None, null=True)
    error = Text(default="")
    parked_at = Timestamptz(default=None, null=False)


class EventRedaction(Table, tablename="core_event_redaction"):
    """An event that had to lose what it said, for an erasure; see ``redacting``."""

    id = BigSerial(primary_key=True)
    seq = BigInt(index=True)
    #: of the erasure
    receipt = UUID(default=None, null=False, db_column_name="receipt_id")
    key = Varchar(length=40)
    #: keyed digest of the event as it was first
    was = Bytea(default=b"")
    note = Bytea(default=b"")
    at = Timestamptz(default=None, null=False)
