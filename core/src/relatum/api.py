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
from relatum.db.columns import CustomerRef, OnErase
from relatum.db.database import Database, marks, to_json
from relatum.db.pages import Page, PageQuery, paginate
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
    Written,
)
from relatum.hooks.specs import CORE_API, hookimpl
from relatum.interactions.types import Amount, Interaction, InteractionDraft, InteractionQuery
from relatum.values.ids import new_id, new_ids, parse_id
from relatum.values.money import Money, allocate, format_money, parse_money
from relatum.values.problems import (
    Conflict,
    InvalidInput,
    NotFound,
    Problem,
    Refused,
    RelatumError,
)
from relatum.values.text import Text, clean_line, clean_text, fold, nearest
from relatum.values.time import now
