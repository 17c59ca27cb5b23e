"""Tables of roles and teams. Only the services of this room write them."""

from piccolo.columns import JSON, UUID, Boolean, Integer, Timestamptz, Varchar
from piccolo.table import Table


class StoredRole(Table, tablename="core_role"):
    """An own role, or what this installation changed about a built-in one."""

    key = Varchar(length=60, primary_key=True, default=None)
    title_en = Varchar(length=100, default="")
    title_vi = Varchar(length=100, default="")
    #: the built-in role whose declared permissions it begins with
    based_on = Varchar(length=20, default="")
    policy = JSON(default="{}")
    version = Integer(default=1)
    created_at = Timestamptz(default=None, null=False)
    updated_at = Timestamptz(default=None, null=False)


class StoredRolePermission(Table, tablename="core_role_permission"):
    """A permission that was given to a role, or taken from it."""

    id = UUID(primary_key=True, default=None)
    role = Varchar(length=60, default="")
    permission = Varchar(length=200, default="")
    granted = Boolean(default=True)


class AccountRole(Table, tablename="core_account_role"):
    """Somebody has a role."""

    id = UUID(primary_key=True, default=None)
    account = UUID(db_column_name="account_id", null=False, default=None)
    role = Varchar(length=60, default="")


class StoredTeam(Table, tablename="core_team"):
    """People who share customers; below another team or at the top."""

    id = UUID(primary_key=True, default=None)
    name = Varchar(length=100, default="")
    parent = UUID(db_column_name="parent_id", null=True, default=None)
    created_at = Timestamptz(default=None, null=False)


class TeamMember(Table, tablename="core_team_member"):
    """Somebody is in a team; their first team (lowest position) gets their new customers."""

    id = UUID(primary_key=True, default=None)
    team = UUID(db_column_name="team_id", null=False, default=None)
    account = UUID(db_column_name="account_id", null=False, default=None)
    position = Integer(default=0)
