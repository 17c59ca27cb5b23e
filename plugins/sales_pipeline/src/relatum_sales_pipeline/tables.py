"""Tables of the sales pipeline. Only the services of this plugin write them.

Money is whole minor units with a currency code; probabilities, weights and matches are basis points
(10,000 is 1); a day (``…_on``) is a day of the company's calendar.
"""

from typing import ClassVar

from piccolo.columns import (
    JSON,
    UUID,
    BigInt,
    Boolean,
    Date,
    ForeignKey,
    Integer,
    OnDelete,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table

from relatum.api import CustomerRef, CustomerTrace, OnErase, RowRef
from relatum.api import Text as Title


class StoredPipeline(Table, tablename="sales_pipeline_pipeline"):
    """A way deals go: an ordered row of stages."""

    id = UUID(primary_key=True, default=None)
    key = Varchar(length=60, default="", unique=True)
    title = Varchar(length=100, default="")
    title_vi = Varchar(length=100, default="")
    position = Integer(default=0)
    active = Boolean(default=True)


class StoredStage(Table, tablename="sales_pipeline_stage"):
    """One stage of a pipeline. ``outcome`` is ``open``, ``won`` or ``lost``."""

    id = UUID(primary_key=True, default=None)
    pipeline = ForeignKey(
        StoredPipeline, on_delete=OnDelete.restrict, null=False, db_column_name="pipeline_id"
    )
    key = Varchar(length=60, default="")
    title = Varchar(length=100, default="")
    title_vi = Varchar(length=100, default="")
    position = Integer(default=0)
    outcome = Varchar(length=10, default="open")
    probability = Integer(default=0)
    rotting_days = Integer(default=None, null=True)
    active = Boolean(default=True)


class StoredTeam(Table, tablename="sales_pipeline_team"):
    """People who sell together. ``name_key`` is the name in the form it is compared in."""

    id = UUID(primary_key=True, default=None)
    name = Varchar(length=200, default="")
    name_key = Varchar(length=600, default="", unique=True)
    region = Varchar(length=100, default="")
    manager = Varchar(length=200, default="")
    active = Boolean(default=True)


class StoredMember(Table, tablename="sales_pipeline_member"):
    """Somebody who sells."""

    id = UUID(primary_key=True, default=None)
    name = Varchar(length=200, default="")
    name_key = Varchar(length=600, default="", unique=True)
    team = ForeignKey(
        StoredTeam, on_delete=OnDelete.restrict, null=True, db_column_name="team_id", index=True
    )
    active = Boolean(default=True)


class StoredProduct(Table, tablename="sales_pipeline_product"):
    """Something that is sold."""

    id = UUID(primary_key=True, default=None)
    code = Varchar(length=60, default=None, null=True, unique=True)
    name = Varchar(length=200, default="")
    name_key = Varchar(length=600, default="", unique=True)
    series = Varchar(length=100, default="")
    active = Boolean(default=True)


class StoredPriceList(Table, tablename="sales_pipeline_price_list"):
    """Prices that belong together: retail, partners, last year."""

    id = UUID(primary_key=True, default=None)
    name = Varchar(length=100, default="")
    name_key = Varchar(length=300, default="", unique=True)
    position = Integer(default=0)
    active = Boolean(default=True)


class StoredPrice(Table, tablename="sales_pipeline_price"):
    """What a product costs from a day to a day, both included; no day is no limit."""

    id = UUID(primary_key=True, default=None)
    price_list = ForeignKey(
        StoredPriceList,
        on_delete=OnDelete.restrict,
        null=False,
        db_column_name="price_list_id",
        index=True,
    )
    product = ForeignKey(
        StoredProduct,
        on_delete=OnDelete.restrict,
        null=False,
        db_column_name="product_id",
        index=True,
    )
    currency = Varchar(length=3, default="")
    amount = BigInt(default=0)
    valid_from = Date(default=None, null=True)
    valid_until = Date(default=None, null=True)


class StoredLostReason(Table, tablename="sales_pipeline_lost_reason"):
    """Why deals are lost."""

    id = UUID(primary_key=True, default=None)
    key = Varchar(length=60, default="", unique=True)
    title = Varchar(length=100, default="")
    title_vi = Varchar(length=100, default="")
    position = Integer(default=0)
    active = Boolean(default=True)


class StoredDeal(Table, tablename="sales_pipeline_deal"):
    """A chance to sell something to somebody.

    ``last_activity_at`` belongs to a handler (it can be rebuilt from the event log) and does not
    change ``version``.
    """

    labels: ClassVar = {
        "external_source": Title(en="", vi=""),
        "external_ref": Title(en="", vi=""),
        "engaged_on": Title(en="Begun", vi="Bắt đầu"),
        "stage_since": Title(en="In this stage since", vi="Ở giai đoạn này từ"),
        "last_activity_at": Title(en="Last activity", vi="Hoạt động gần nhất"),
    }

    id = UUID(primary_key=True, default=None)
    external_source = Varchar(length=60, default=None, null=True)
    external_ref = Varchar(length=200, default=None, null=True)
    name = Varchar(length=300, default="")
    search = Text(default="")
    customer = CustomerRef(db_column_name="customer_id", null=True, on_erase=OnErase.anonymise)
    pipeline = ForeignKey(
        StoredPipeline,
        on_delete=OnDelete.restrict,
        null=False,
        db_column_name="pipeline_id",
    )
    stage = ForeignKey(
        StoredStage, on_delete=OnDelete.restrict, null=False, db_column_name="stage_id"
    )
    owner = ForeignKey(
        StoredMember, on_delete=OnDelete.restrict, null=True, db_column_name="owner_id", index=True
    )
    team = ForeignKey(
        StoredTeam, on_delete=OnDelete.restrict, null=True, db_column_name="team_id", index=True
    )
    amount = BigInt(default=None, null=True)
    currency = Varchar(length=3, default="")
    expected_close = Date(default=None, null=True)
    engaged_on = Date(default=None, null=True)
    closed_on = Date(default=None, null=True)
    lost_reason = ForeignKey(
        StoredLostReason,
        on_delete=OnDelete.restrict,
        null=True,
        db_column_name="lost_reason_id",
    )
    competitor = Varchar(length=200, default="")
    stage_since = Timestamptz(default=None, null=False)
    last_activity_at = Timestamptz(default=None, null=True)
    version = Integer(default=1)
    created_at = Timestamptz(default=None, null=False)
    updated_at = Timestamptz(default=None, null=False)


class StoredDealLine(Table, tablename="sales_pipeline_deal_line"):
    """A product in a deal. ``quantity`` is in thousandths; money is in the deal's currency."""

    labels: ClassVar = {
        "": Title(en="Items of the deals", vi="Mặt hàng trong cơ hội"),
        "quantity": Title(en="Quantity, in thousandths", vi="Số lượng, theo phần nghìn"),
        "unit_amount": Title(en="Price of one", vi="Đơn giá"),
    }

    id = UUID(primary_key=True, default=None)
    deal = ForeignKey(
        StoredDeal, on_delete=OnDelete.restrict, null=False, db_column_name="deal_id", index=True
    )
    product = ForeignKey(
        StoredProduct,
        on_delete=OnDelete.restrict,
        null=False,
        db_column_name="product_id",
        index=True,
    )
    position = Integer(default=0)
    quantity = BigInt(default=1000)
    unit_amount = BigInt(default=None, null=True)
    amount = BigInt(default=None, null=True)


class StoredStageChange(Table, tablename="sales_pipeline_stage_change"):
    """A deal came into a stage; the first row of a deal comes from nowhere."""

    labels: ClassVar = {
        "": Title(en="How the deals went", vi="Diễn biến của cơ hội"),
    }

    id = UUID(primary_key=True, default=None)
    deal = ForeignKey(StoredDeal, on_delete=OnDelete.restrict, null=False, db_column_name="deal_id")
    position = Integer(default=0)
    from_stage = ForeignKey(
        StoredStage, on_delete=OnDelete.restrict, null=True, db_column_name="from_stage_id"
    )
    to_stage = ForeignKey(
        StoredStage, on_delete=OnDelete.restrict, null=False, db_column_name="to_stage_id"
    )
    changed_at = Timestamptz(default=None, null=False)
    changed_by = Varchar(length=200, default="")
    note = Varchar(length=1000, default="")


class StoredBuyingRole(Table, tablename="sales_pipeline_buying_role"):
    """Who plays which part in the customer's decision about a deal."""

    id = UUID(primary_key=True, default=None)
    deal = ForeignKey(
        StoredDeal, on_delete=OnDelete.restrict, null=False, db_column_name="deal_id", index=True
    )
    customer = CustomerRef(db_column_name="customer_id", null=False)
    role = Varchar(length=20, default="")


class StoredAccountPlan(Table, tablename="sales_pipeline_account_plan"):
    """What we want to reach with an organisation. The hierarchy of accounts is core's links."""

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=False)
    owner = ForeignKey(
        StoredMember, on_delete=OnDelete.restrict, null=True, db_column_name="owner_id"
    )
    year = Integer(default=0)
    goal = Text(default="")
    risks = Text(default="")
    target_amount = BigInt(default=None, null=True)
    currency = Varchar(length=3, default="")
    version = Integer(default=1)
    updated_at = Timestamptz(default=None, null=False)


class StoredLead(Table, tablename="sales_pipeline_lead"):
    """Somebody who may buy, before there is a deal.

    ``fit`` and ``behaviour`` are the scores of the two tests in hundredths of a point, as far as
    they are answered; interactions from ``engagement_since`` on count for engagement.
    """

    id = UUID(primary_key=True, default=None)
    customer = CustomerRef(db_column_name="customer_id", null=True, on_erase=OnErase.anonymise)
    customer_kind = Varchar(length=20, default="person")
    source = Varchar(length=100, default="unknown")
    status = Varchar(length=20, default="new", index=True)
    owner = ForeignKey(
        StoredMember, on_delete=OnDelete.restrict, null=True, db_column_name="owner_id", index=True
    )
    deal = ForeignKey(
        StoredDeal, on_delete=OnDelete.restrict, null=True, db_column_name="deal_id", index=True
    )
    fit = Integer(default=None, null=True)
    behaviour = Integer(default=None, null=True)
    engagement_since = Timestamptz(default=None, null=False)
    version = Integer(default=1)
    created_at = Timestamptz(default=None, null=False)
    updated_at = Timestamptz(default=None, null=False)


class StoredQuestion(Table, tablename="sales_pipeline_question"):
    """A question of the qualification form, for one kind of customer and one of the two tests.

    ``choices``: a list of ``{key, title, title_vi, match}``, match in basis points.
    """

    id = UUID(primary_key=True, default=None)
    key = Varchar(length=60, default="", unique=True)
    test = Varchar(length=20, default="")
    customer_kind = Varchar(length=20, default="both")
    title = Varchar(length=300, default="")
    title_vi = Varchar(length=300, default="")
    weight = Integer(default=0)
    position = Integer(default=0)
    choices = JSON(default="[]")
    active = Boolean(default=True)


class StoredAnswer(Table, tablename="sales_pipeline_answer"):
    """What was answered about a lead; weight and match are as they were on that day."""

    id = UUID(primary_key=True, default=None)
    lead = ForeignKey(StoredLead, on_delete=OnDelete.restrict, null=False, db_column_name="lead_id")
    question = ForeignKey(
        StoredQuestion, on_delete=OnDelete.restrict, null=False, db_column_name="question_id"
    )
    choice = Varchar(length=60, default="")
    weight = Integer(default=0)
    matched = Integer(default=0)
    answered_at = Timestamptz(default=None, null=False)
    answered_by = Varchar(length=200, default="")


class LeadSignal(Table, tablename="sales_pipeline_lead_signal"):
    """An interaction that counts for a lead's engagement; a projection of the event log."""

    id = UUID(primary_key=True, default=None)
    lead = RowRef(to=StoredLead, default=None, null=False, db_column_name="lead_id")
    interaction = UUID(default=None, null=False, db_column_name="interaction_id", index=True)
    kind = Varchar(length=120, default="")
    occurred_at = Timestamptz(default=None, null=False)


class WatchedDeal(Table, tablename="sales_pipeline_watched_deal"):
    """What the event log has said so far about a deal; part of the last-activity projection.

    The customer is whom the log named then, not a reference: a replay may name one who is gone.
    """

    labels: ClassVar = {
        "": Title(en="Deals that are watched", vi="Cơ hội được theo dõi"),
        "open": Title(en="Open", vi="Đang mở"),
    }

    deal = UUID(primary_key=True, default=None, db_column_name="deal_id")
    customer = CustomerTrace(default=None, null=True, db_column_name="customer_id", index=True)
    open = Boolean(default=True)


class DealActivity(Table, tablename="sales_pipeline_deal_activity"):
    """An interaction that counts as activity of a deal; a projection of the event log."""

    labels: ClassVar = {
        "": Title(en="When something was done for a deal", vi="Hoạt động của cơ hội"),
    }

    id = UUID(primary_key=True, default=None)
    deal = RowRef(to=StoredDeal, default=None, null=False, db_column_name="deal_id")
    interaction = UUID(default=None, null=False, db_column_name="interaction_id", index=True)
    occurred_at = Timestamptz(default=None, null=False)


class RottingNote(Table, tablename="sales_pipeline_rotting_note"):
    """A deal was reported as rotting since a moment; it is not reported for that moment again."""

    deal = RowRef(to=StoredDeal, primary_key=True, default=None, db_column_name="deal_id")
    since = Timestamptz(default=None, null=False)
    noted_at = Timestamptz(default=None, null=False)


class ForecastSnapshot(Table, tablename="sales_pipeline_forecast_snapshot"):
    """The forecast as it stood on a day: a row for each month, team, owner, stage and currency.

    ``stage`` is ``pipeline/stage``; empty in what was put down before stages were.
    """

    #: totals over whatever deals there were
    across_customers = True

    id = UUID(primary_key=True, default=None)
    taken_on = Date(default=None, null=False)
    month = Varchar(length=7, default="")
    team = UUID(default=None, null=True, db_column_name="team_id")
    owner = UUID(default=None, null=True, db_column_name="owner_id")
    currency = Varchar(length=3, default="")
    stage = Varchar(length=140, default="")
    deals = Integer(default=0)
    amount = BigInt(default=0)
    weighted = BigInt(default=0)


class StoredTarget(Table, tablename="sales_pipeline_target"):
    """What a team is to win in a month (``2026-11``), in minor units.

    One that was taken away stays with its version, so that it cannot come back unnoticed.
    """

    id = UUID(primary_key=True, default=None)
    team = ForeignKey(
        StoredTeam, on_delete=OnDelete.restrict, null=False, db_column_name="team_id", index=True
    )
    month = Varchar(length=7, default="")
    currency = Varchar(length=3, default="")
    amount = BigInt(default=0)
    taken_away = Boolean(default=False)
    version = Integer(default=1)
    updated_at = Timestamptz(default=None, null=False)
