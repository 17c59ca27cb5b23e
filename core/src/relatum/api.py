"""What plugins may import. Nothing else of Relatum is public.

The names are checked by a test, so that they change only on purpose.
"""

from relatum.customers.types import (
    ContactPoint,
    ContactPointDraft,
    Customer,
    CustomerChange,
    CustomerDraft,
    CustomerQuery,
    Link,
    LinkDraft,
)
from relatum.db.columns import CustomerRef, CustomerTrace, OnErase, RowRef
from relatum.db.database import Database, marks, to_json
from relatum.db.migrate import add_statements
from relatum.db.pages import Page, PageQuery, Sort, cut, paginate, sort_from
from relatum.events.types import Event, NewEvent
from relatum.hooks.context import House, Plugin
from relatum.hooks.declarations import (
    EventType,
    Finding,
    Handler,
    ImportScope,
    ImportTarget,
    InteractionKind,
    Job,
    Numbered,
    Permission,
    Prepared,
    Proposed,
    Refusal,
    Report,
    Retry,
    RoleName,
    Written,
)
from relatum.hooks.refusing import refuse
from relatum.hooks.specs import CORE_API, hookimpl
from relatum.http.answers import Answer, expected_version, paged, versioned
from relatum.http.batches import BatchResult, of_one, take_batch, under_items
from relatum.http.calls import Call, id_in_path
from relatum.importing.targets.keys import EXPORT_SOURCE, export_keys
from relatum.interactions.events import InteractionFact
from relatum.interactions.types import Amount, Interaction, InteractionDraft, InteractionQuery
from relatum.jobs.types import JobRequest, JobRun, Progress, Run
from relatum.values.ids import new_id, new_ids, parse_id
from relatum.values.money import (
    Money,
    allocate,
    exponent,
    format_money,
    is_currency,
    parse_money,
)
from relatum.values.problems import (
    Conflict,
    InvalidInput,
    NotFound,
    PreconditionRequired,
    Problem,
    Refused,
    RelatumError,
)
from relatum.values.text import Text, clean_line, clean_text, fold, nearest
from relatum.values.time import day_bounds, local_day, month, now, quarter

__all__ = [
    "CORE_API",
    "EXPORT_SOURCE",
    "Amount",
    "Answer",
    "BatchResult",
    "Call",
    "Conflict",
    "ContactPoint",
    "ContactPointDraft",
    "Customer",
    "CustomerChange",
    "CustomerDraft",
    "CustomerQuery",
    "CustomerRef",
    "CustomerTrace",
    "Database",
    "Event",
    "EventType",
    "Finding",
    "Handler",
    "House",
    "ImportScope",
    "ImportTarget",
    "Interaction",
    "InteractionDraft",
    "InteractionFact",
    "InteractionKind",
    "InteractionQuery",
    "InvalidInput",
    "Job",
    "JobRequest",
    "JobRun",
    "Link",
    "LinkDraft",
    "Money",
    "NewEvent",
    "NotFound",
    "Numbered",
    "OnErase",
    "Page",
    "PageQuery",
    "Permission",
    "Plugin",
    "PreconditionRequired",
    "Prepared",
    "Problem",
    "Progress",
    "Proposed",
    "Refusal",
    "Refused",
    "RelatumError",
    "Report",
    "Retry",
    "RoleName",
    "RowRef",
    "Run",
    "Sort",
    "Text",
    "Written",
    "add_statements",
    "allocate",
    "clean_line",
    "clean_text",
    "cut",
    "day_bounds",
    "expected_version",
    "exponent",
    "export_keys",
    "fold",
    "format_money",
    "hookimpl",
    "id_in_path",
    "is_currency",
    "local_day",
    "marks",
    "month",
    "nearest",
    "new_id",
    "new_ids",
    "now",
    "of_one",
    "paged",
    "paginate",
    "parse_id",
    "parse_money",
    "quarter",
    "refuse",
    "sort_from",
    "take_batch",
    "to_json",
    "under_items",
    "versioned",
]
