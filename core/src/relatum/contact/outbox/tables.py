"""Tables of outgoing messages. Only this room's services write them."""

from piccolo.columns import UUID, Integer, Text, Timestamptz, Varchar
from piccolo.table import Table

from relatum.db.columns import CustomerRef


class StoredMessage(Table, tablename="core_message"):
    """A message with the verdict it rests on; what it says goes with the customer."""

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False)
    #: there is no message without one
    verdict = UUID(db_column_name="verdict_id", default=None, null=False)
    channel = Varchar(length=40, default="")
    purpose = Varchar(length=40, default="")
    #: as it was asked for; empty is the primary one
    address = Varchar(length=500, default="")
    sender = Varchar(length=100, default="")
    subject = Varchar(length=200, default="")
    text = Text(default="")
    html = Text(default="")
    state = Varchar(length=10, default="")
    due_at = Timestamptz(default=None, null=True)
    created_at = Timestamptz(default=None, null=False)
    created_by = Varchar(length=100, default="")
    plugin = Varchar(length=60, default="core")
    reference = Varchar(length=200, default=None, null=True)
    attempts = Integer(default=0)
    #: how often the gate was asked
    asked = Integer(default=1)
    #: the run of the job that has it in hand
    run = UUID(default=None, null=True)
    started_at = Timestamptz(default=None, null=True)
    ended_at = Timestamptz(default=None, null=True)
    provider_reference = Varchar(length=300, default="")
    detail = Varchar(length=500, default="")


class StoredBounce(Table, tablename="core_bounced_address"):
    """An address that does not exist, as a keyed hash, by the word of its provider."""

    address_hash = Varchar(length=64, primary_key=True, default=None)
    detail = Varchar(length=500, default="")
    since = Timestamptz(default=None, null=False)
