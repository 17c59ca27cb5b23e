"""Tables of consent and contact. Only this room's services write them."""

from piccolo.columns import JSON, UUID, Boolean, Text, Timestamptz, Varchar
from piccolo.table import Table

from relatum.db.columns import CustomerRef, OnErase


class StoredConsent(Table, tablename="core_consent"):
    """One line of the ledger of consents; lines are added and never changed."""

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False)
    purpose = Varchar(length=40, default="")
    channel = Varchar(length=40, default="*")
    state = Varchar(length=10, default="")
    given_at = Timestamptz(default=None, null=False)
    recorded_at = Timestamptz(default=None, null=False)
    recorded_by = Varchar(length=100, default="")
    method = Varchar(length=20, default="")
    wording = Text(default="")
    #: the form, paper or recording that shows it
    place = Varchar(length=500, default="")
    expires_at = Timestamptz(default=None, null=True)


class StoredHold(Table, tablename="core_contact_hold"):
    """Why a customer is not to be contacted for now."""

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False)
    kind = Varchar(length=20, default="")
    reason = Varchar(length=500, default="")
    placed_by = Varchar(length=100, default="")
    since = Timestamptz(default=None, null=False)
    lifted_at = Timestamptz(default=None, null=True)
    lifted_by = Varchar(length=100, default="")


class StoredPreference(Table, tablename="core_contact_preference"):
    """How a customer wants to be contacted; the last row of a customer counts."""

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False)
    restricted = Boolean(default=False)
    quiet_from = Varchar(length=5, default=None, null=True)
    quiet_until = Varchar(length=5, default=None, null=True)
    set_at = Timestamptz(default=None, null=False)
    set_by = Varchar(length=100, default="")


class StoredRefusal(Table, tablename="core_do_not_contact"):
    """An address that refuses, as a keyed hash: it outlives the customer without naming anybody."""

    address_hash = Varchar(length=64, primary_key=True, default=None)
    scope = Varchar(length=20, default="advertising")
    source = Varchar(length=200, default="")
    since = Timestamptz(default=None, null=False)


class StoredVerdict(Table, tablename="core_contact_verdict"):
    """What the gate answered. ``address_hash`` is keyed: it counts contacts and names nobody."""

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(
        db_column_name="customer_id", null=True, on_erase=OnErase.anonymise, index=False
    )
    address_hash = Varchar(length=64, default="")
    channel = Varchar(length=40, default="")
    purpose = Varchar(length=40, default="")
    advertising = Boolean(default=False)
    transactional = Boolean(default=False)
    outcome = Varchar(length=10, default="")
    #: ``open``, ``used`` or ``released``: a released one no longer counts
    state = Varchar(length=10, default="open")
    at = Timestamptz(default=None, null=False)
    decided_at = Timestamptz(default=None, null=False)
    until = Timestamptz(default=None, null=True)
    reasons = JSON(default="[]")
    policy = Varchar(length=60, default="")
    plugin = Varchar(length=60, default="")
    reference = Varchar(length=200, default=None, null=True)
