"""Tables of administrative units. Only ``service`` writes them, whole editions at a time."""

from piccolo.columns import UUID, Date, Integer, Text, Timestamptz, Varchar
from piccolo.table import Table


class StoredUnit(Table, tablename="core_admin_unit"):
    """A province, district or ward in one edition of the units; no references to others, because
    an edition is replaced as a whole.
    """

    key = Varchar(length=40, primary_key=True, default=None)
    level = Varchar(length=10, default="")
    code = Varchar(length=10, default="")
    name = Varchar(length=100, default="")
    full_name = Varchar(length=120, default="")
    type = Varchar(length=20, default="")
    parent = Varchar(length=40, default="")
    valid_from = Date(default=None, null=True)
    valid_until = Date(default=None, null=True)


class StoredChange(Table, tablename="core_admin_change"):
    """A former unit that went, whole or in part, into a present one."""

    key = Varchar(length=90, primary_key=True, default=None)
    former = Varchar(length=40, default="")
    present = Varchar(length=40, default="")
    share = Varchar(length=20, default="")
    note = Text(default="")


class StoredLoad(Table, tablename="core_admin_load"):
    """When units were loaded; the newest tells processes whether what they remember is old."""

    id = UUID(primary_key=True, default=None)
    loaded_at = Timestamptz(default=None, null=False)
    actor = Varchar(length=100, default="")
    units = Integer(default=0)
    changes = Integer(default=0)
