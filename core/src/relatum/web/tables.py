"""Tables of the screens: how people arrange what they look at. Nothing of a customer is in them."""

from piccolo.columns import JSON, UUID, Boolean, Text, Timestamptz, Varchar
from piccolo.table import Table


class StoredView(Table, tablename="core_saved_view"):
    """A list as somebody wants to see it again: its filters, its order, its columns.

    What it shows is found anew for whoever opens it.
    """

    id = UUID(primary_key=True, default=None)
    #: which list: ``customers``
    list = Varchar(length=60, default="", index=True)
    title = Varchar(length=60, default="")
    #: filters and order as the address has them, without ``?``
    query = Text(default="")
    #: ids in their order; empty for those that the list has by itself
    columns = JSON(default="[]")
    #: whose it is
    account = UUID(db_column_name="account_id", null=False, default=None)
    #: ``private``, ``team`` or ``everybody``
    shared = Varchar(length=10, default="private")
    team = UUID(db_column_name="team_id", null=True, default=None)
    created_at = Timestamptz(default=None, null=False)
    #: set when it was deleted; it can be taken back for a while
    deleted_at = Timestamptz(default=None, null=True)


class ViewChoice(Table, tablename="core_view_choice"):
    """What somebody made of a view for themselves."""

    id = UUID(primary_key=True, default=None)
    account = UUID(db_column_name="account_id", null=False, default=None)
    view = UUID(db_column_name="view_id", null=False, default=None)
    #: whether it stands among the tabs
    pinned = Boolean(default=True)
    #: whether the list opens with it
    is_default = Boolean(default=False)


class BulkChange(Table, tablename="core_bulk_change"):
    """What customers were before something was done with many of them, so that it can be undone."""

    #: of many customers, whoever sees them
    across_customers = True

    id = UUID(primary_key=True, default=None)
    #: of everything that was done at once
    bulk = UUID(default=None, null=False, index=True)
    account = UUID(db_column_name="account_id", null=False, default=None)
    #: a field of ``CustomerChange``
    field = Varchar(length=20, default="")
    #: list of id, version after the change, value before it
    before = JSON(default="[]")
    created_at = Timestamptz(default=None, null=False)
