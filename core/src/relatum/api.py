"""What plugins may import. Nothing else of Relatum is public.

The names are checked by a test, so that they change only on purpose.
"""

from relatum.access.purposes.acting import as_the_house
from relatum.contact.consents import last_word
from relatum.contact.gate import Permit
from relatum.contact.outbox.types import Content, Message, MessageDraft, MessageQuery, Parcel
from relatum.contact.types import (
    ConsentDraft,
    ConsentEntry,
    ContactRequest,
    HoldDraft,
    Objection,
    Preference,
    Proof,
    Verdict,
    WithdrawalDraft,
)
from relatum.customers.erasing.types import Erasure, ErasureBatch, ErasurePreview, NotErased
from relatum.customers.subject.types import (
    Subject,
    SubjectExport,
    SubjectExportState,
    SubjectRequest,
)
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
    Channel,
    EventType,
    Finding,
    Handler,
    ImportScope,
    ImportTarget,
    InteractionKind,
    Job,
    LikelyDuplicate,
    Numbered,
    OpenBusiness,
    Permission,
    Prepared,
    Proposed,
    QualityRule,
    Receipt,
    Refusal,
    Report,
    Retry,
    RoleName,
    Written,
)
from relatum.hooks.refusing import refuse
from relatum.hooks.screens import (
    BulkAction,
    Cell,
    Column,
    Command,
    Dimension,
    Done,
    Entry,
    Metric,
    MetricQuery,
    Panel,
    Point,
    Row,
    WebPage,
    Widget,
)
from relatum.hooks.specs import CORE_API, hookimpl
from relatum.http.answers import Answer, expected_version, paged, versioned
from relatum.http.batches import BatchResult, of_one, take_batch, under_items
from relatum.http.calls import Call, id_in_path
from relatum.http.downloads import CsvDownload
from relatum.importing.targets.keys import EXPORT_SOURCE, export_keys
from relatum.interactions.events import InteractionFact
from relatum.interactions.types import Amount, Interaction, InteractionDraft, InteractionQuery
from relatum.jobs.types import JobRequest, JobRun, Progress, Run
from relatum.plugins.processing import Processing
from relatum.plugins.register import Processor, RegisterFinding
from relatum.reports.counting import NOTHING, Counted, Cut, count
from relatum.reports.periods import Stretch
from relatum.values.address import Address, AddressReading, AdminUnit, Conversion, UnitShare
from relatum.values.email import Email, normalise_email
from relatum.values.ids import new_id, new_ids, parse_id
from relatum.values.money import (
    Money,
    allocate,
    exponent,
    format_money,
    is_currency,
    parse_money,
)
from relatum.values.name_matching import NameMatch, compare_names, name_key, name_words
from relatum.values.names import PersonName, greeting_name, name_sort_key, split_name
from relatum.values.phone import Phone, format_phone, normalise_phone
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
from relatum.web.boxes import Box, boxes
from relatum.web.charts import Chart, Series
from relatum.web.filters import next_page
from relatum.web.forms import Form
from relatum.web.layout import Redirect
from relatum.web.visit import Visit

__all__ = [
    "CORE_API",
    "EXPORT_SOURCE",
    "NOTHING",
    "Address",
    "AddressReading",
    "AdminUnit",
    "Amount",
    "Answer",
    "BatchResult",
    "Box",
    "BulkAction",
    "Call",
    "Cell",
    "Channel",
    "Chart",
    "Column",
    "Command",
    "Conflict",
    "ConsentDraft",
    "ConsentEntry",
    "ContactPoint",
    "ContactPointDraft",
    "ContactRequest",
    "Content",
    "Conversion",
    "Counted",
    "CsvDownload",
    "Customer",
    "CustomerChange",
    "CustomerDraft",
    "CustomerQuery",
    "CustomerRef",
    "CustomerTrace",
    "Cut",
    "Database",
    "Dimension",
    "Done",
    "Email",
    "Entry",
    "Erasure",
    "ErasureBatch",
    "ErasurePreview",
    "Event",
    "EventType",
    "Finding",
    "Form",
    "Handler",
    "HoldDraft",
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
    "LikelyDuplicate",
    "Link",
    "LinkDraft",
    "Message",
    "MessageDraft",
    "MessageQuery",
    "Metric",
    "MetricQuery",
    "Money",
    "NameMatch",
    "NewEvent",
    "NotErased",
    "NotFound",
    "Numbered",
    "Objection",
    "OnErase",
    "OpenBusiness",
    "Page",
    "PageQuery",
    "Panel",
    "Parcel",
    "Permission",
    "Permit",
    "PersonName",
    "Phone",
    "Plugin",
    "Point",
    "PreconditionRequired",
    "Preference",
    "Prepared",
    "Problem",
    "Processing",
    "Processor",
    "Progress",
    "Proof",
    "Proposed",
    "QualityRule",
    "Receipt",
    "Redirect",
    "Refusal",
    "Refused",
    "RegisterFinding",
    "RelatumError",
    "Report",
    "Retry",
    "RoleName",
    "Row",
    "RowRef",
    "Run",
    "Series",
    "Sort",
    "Stretch",
    "Subject",
    "SubjectExport",
    "SubjectExportState",
    "SubjectRequest",
    "Text",
    "UnitShare",
    "Verdict",
    "Visit",
    "WebPage",
    "Widget",
    "WithdrawalDraft",
    "Written",
    "add_statements",
    "allocate",
    "as_the_house",
    "boxes",
    "clean_line",
    "clean_text",
    "compare_names",
    "count",
    "cut",
    "day_bounds",
    "expected_version",
    "exponent",
    "export_keys",
    "fold",
    "format_money",
    "format_phone",
    "greeting_name",
    "hookimpl",
    "id_in_path",
    "is_currency",
    "last_word",
    "local_day",
    "marks",
    "month",
    "name_key",
    "name_sort_key",
    "name_words",
    "nearest",
    "new_id",
    "new_ids",
    "next_page",
    "normalise_email",
    "normalise_phone",
    "now",
    "of_one",
    "paged",
    "paginate",
    "parse_id",
    "parse_money",
    "quarter",
    "refuse",
    "sort_from",
    "split_name",
    "take_batch",
    "to_json",
    "under_items",
    "versioned",
]
