"""Tables of customers. Only ``service`` writes them."""

from piccolo.columns import (
    JSON,
    UUID,
    Boolean,
    Date,
    Integer,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table

from relatum.db.columns import CustomerRef


class StoredCustomer(Table, tablename="core_customer"):
    """A person or an organisation.

    ``sort_key`` and ``search`` are derived from the name on every save (Vietnamese collation; text
    without marks), because neither database can index that by itself in the same way.
    ``search_name`` is the part of ``search`` that is left for those who do not see contact data.
    """

    id = UUID(primary_key=True, default=None)
    kind = Varchar(length=20, default="person")
    display_name = Varchar(length=300, default="")
    sort_key = Varchar(length=700, default="", index=False)
    search = Text(default="")
    fields = JSON(default="{}")
    version = Integer(default=1)
    created_at = Timestamptz(default=None, null=False)
    updated_at = Timestamptz(default=None, null=False)
    #: the account and the team it belongs to; no references: both may go while the customer stays
    owner = UUID(null=True, default=None, db_column_name="owner_id")
    team = UUID(null=True, default=None, db_column_name="team_id")
    search_name = Text(default="")


class StoredContactPoint(Table, tablename="core_contact_point"):
    """One way to reach or recognise a customer."""

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False)
    kind = Varchar(length=20, default="")
    #: as it was given; Piccolo has a method of the shorter name
    raw_text = Varchar(length=500, default="", db_column_name="raw")
    normalised = Varchar(length=500, default="")
    label = Varchar(length=100, default="")
    is_primary = Boolean(default=False)
    position = Integer(default=0)
    verified_at = Timestamptz(default=None, null=True)


class CustomerRole(Table, tablename="core_customer_role"):
    """What a customer is to the business; a row ends when the role does."""

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False)
    role = Varchar(length=20, default="")
    since = Timestamptz(default=None, null=False)


class CustomerTag(Table, tablename="core_customer_tag"):
    """A word that somebody put on a customer."""

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False)
    tag = Varchar(length=60, default="")


class ExternalIdentity(Table, tablename="core_external_id"):
    """The id a customer has in another system."""

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False)
    source = Varchar(length=60, default="")
    external_id = Varchar(length=200, default="")


class StoredLink(Table, tablename="core_customer_link"):
    """Two customers and how they hang together."""

    id = UUID(primary_key=True, default=None)
    source = CustomerRef(db_column_name="source_id", null=False)
    target = CustomerRef(db_column_name="target_id", null=False)
    kind = Varchar(length=20, default="")
    role = Varchar(length=100, default="")
    since = Date(default=None, null=True)
    until = Date(default=None, null=True)


class CustomField(Table, tablename="core_customer_field"):
    """A declared custom field."""

    key = Varchar(length=60, primary_key=True, default=None)
    type = Varchar(length=20, default="text")
    title_en = Varchar(length=100, default="")
    title_vi = Varchar(length=100, default="")
    choices = JSON(default="[]")
    applies_to = Varchar(length=20, default="both")
    sensitivity = Varchar(length=20, default=None, null=True)
    #: ids of the purposes that it is for, as a list; empty for any
    purposes = JSON(default=None, null=True)
