"""Tables of rules: which customers fit is written down, so that lists need not find out."""

from piccolo.columns import JSON, BigSerial, Integer, Serial, Timestamptz, Varchar
from piccolo.table import Table

from relatum.db.columns import CustomerRef


class StoredRule(Table, tablename="core_rule"):
    """A rule that policies name by its key."""

    id = Serial(primary_key=True)
    key = Varchar(length=60, default="", unique=True)
    title_en = Varchar(length=100, default="")
    title_vi = Varchar(length=100, default="")
    rule = JSON(default="{}")
    version = Integer(default=1)


class RuleMember(Table, tablename="core_rule_member"):
    """A customer that fits a rule, with what customers are listed by.

    Written in the transaction that changes the customer or the rule.
    """

    id = BigSerial(primary_key=True)
    rule = Integer(default=0, db_column_name="rule_id")
    customer = CustomerRef(db_column_name="customer_id", null=False)
    sort_key = Varchar(length=700, default="")
    created_at = Timestamptz(default=None, null=False)
    updated_at = Timestamptz(default=None, null=False)
