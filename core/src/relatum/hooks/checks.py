"""What is checked of everything that plugins declare and answer, hook by hook.

Types alone cannot say it: a Struct does not check its fields when it is built in code, and a
handler that is not a coroutine function would only fail when its first event comes.
"""

from __future__ import annotations

import datetime as dt
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

import msgspec

from relatum.hooks.declarations import (
    Channel,
    EventType,
    Handler,
    ImportTarget,
    InteractionKind,
    Job,
    LikelyDuplicate,
    OpenBusiness,
    Permission,
    QualityRule,
    Receipt,
    Refusal,
    Report,
    Retry,
    RoleName,
)
from relatum.hooks.faults import (
    DECLARED_ID,
    bad,
    coroutine_faults,
    id_faults,
    is_struct,
    permission_faults,
    title_faults,
)
from relatum.hooks.screen_checks import SCREENS, template_faults
from relatum.values.problems import Problem
from relatum.values.sensitivity import unusable_classes
from relatum.values.text import Text

ROLE_NAMES = frozenset(get_args(RoleName))
#: five fields; names of days and months are for croniter to know
CRON = re.compile(r"[\w*/,#?-]+(?: +[\w*/,#?-]+){4}")
#: Priorities are strict: what keeps the house in order must not wait behind busy plugins.
MOST_PRIORITY, CORE_PRIORITY = 1_000, 10_000
MOST_AT_ONCE = 10_000
CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST_PARCELS = 50
OUTCOMES = frozenset(("sent", "delivered", "failed", "bounced", "later", "untried", "unknown"))
DIMENSIONS = ("completeness", "validity", "uniqueness", "freshness", "consistency")
SEVERITIES = ("error", "warning", "note")
CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")

Check = Callable[[Any], Iterator[Problem]]


def declared_problems(hook: str, answer: object) -> list[Problem]:
    """Everything that is wrong with what a declaring hook returned, apart from whose ids they are.

    Routes are checked by :mod:`relatum.hooks.routes`; here only that they are a list.
    """
    if not isinstance(answer, list):
        mend = "end the hook with `return [...]`" if answer is None else "return a list"
        return [_wrong_answer(hook, "a list", answer, mend)]
    item_type, check = DECLARED.get(hook, (object, _nothing))
    problems: list[Problem] = []
    for index, item in enumerate(answer):
        if isinstance(item, item_type):
            problems += check(item)
        else:
            where = f"{hook}, item {index}"
            problems.append(_wrong_answer(where, f"instances of {item_type.__name__}", item))
    return problems


def answer_problem(hook: str, answer: object, arguments: Mapping[str, Any]) -> Problem | None:
    """What is wrong with the answer of a hook that takes part, or ``None``."""
    return ANSWERS[hook](hook, answer, arguments)


def _wrong_answer(where: str, expected: str, got: object, mend: str = "") -> Problem:
    return Problem(
        code="wrong-type",
        message="the hook answered with the wrong type",
        where=where,
        expected=expected,
        got=type(got).__name__,
        mend=mend or f"return {expected}; the page of the hook shows an example",
    )


def _nothing(item: Any) -> Iterator[Problem]:
    yield from ()


def _permission(item: Permission) -> Iterator[Problem]:
    yield from id_faults(item)
    yield from title_faults(item)
    if not isinstance(item.roles, tuple) or not set(item.roles) <= ROLE_NAMES:
        yield bad(item, "roles", f"a tuple of built-in roles ({', '.join(sorted(ROLE_NAMES))})")


def _typed(item: InteractionKind | EventType) -> Iterator[Problem]:
    yield from id_faults(item)
    yield from title_faults(item)
    if not is_struct(item.payload):
        yield bad(item, "payload", "a subclass of msgspec.Struct")
    elif isinstance(item, InteractionKind) and not (
        # Events are read back by older code too, which must not stumble over a new field.
        item.payload.__struct_config__.forbid_unknown_fields
    ):
        yield bad(
            item,
            "payload",
            "a Struct that refuses unknown fields",
            f"write class {item.payload.__name__}(msgspec.Struct, forbid_unknown_fields=True)",
        )
    elif isinstance(item, InteractionKind):
        yield from _classes(item)
        if item.template:
            yield from template_faults(item)
    if type(item.version) is not int or item.version < 1:
        yield bad(item, "version", "a whole number from 1")


def _classes(item: InteractionKind) -> Iterator[Problem]:
    for reason in unusable_classes(item.payload):
        yield Problem(
            code="unknown-sensitivity",
            message=f"the payload of {item.id!r} would be shown to people who may not see it",
            where="payload",
            expected="contact, identity, finance or health, on a field of the payload itself",
            got=reason,
            mend="name such a class on the field, or keep secrets in a custom field",
        )


def _handler(item: Handler) -> Iterator[Problem]:
    yield from id_faults(item)
    if not _all_text(item.events):
        yield bad(item, "events", "a tuple of ids of event types", 'write ("core.x_created",)')
    yield from coroutine_faults(item, "handle", 2)
    if item.reset is not None:
        yield from coroutine_faults(item, "reset", 1)
    if item.begin not in ("beginning", "now"):
        yield bad(item, "begin", "'beginning' or 'now'")
    if type(item.batch) is not int or not 1 <= item.batch <= 10_000:
        yield bad(item, "batch", "a whole number from 1 to 10000")
    if type(item.shards) is not int or not 1 <= item.shards <= 64:
        yield bad(item, "shards", "a whole number from 1 to 64")


def _job(item: Job) -> Iterator[Problem]:
    yield from id_faults(item)
    yield from title_faults(item)
    yield from coroutine_faults(item, "run", 2)
    yield from _schedule(item)
    yield from _arguments(item)
    retry: object = item.retry
    if isinstance(retry, Retry):
        yield from _retry(retry)
    else:
        yield bad(item, "retry", "a Retry")
    for name in ("timeout", "keep"):
        length = getattr(item, name)
        if not isinstance(length, dt.timedelta) or length <= dt.timedelta(0):
            yield bad(item, name, "a timedelta above zero")
    most = CORE_PRIORITY if str(item.id).startswith("core.") else MOST_PRIORITY
    for name, low, high in (("priority", -MOST_PRIORITY, most), ("at_once", 0, MOST_AT_ONCE)):
        number = getattr(item, name)
        if type(number) is not int or not low <= number <= high:
            yield bad(item, name, f"a whole number from {low} to {high}")
    if item.atomic not in (True, False):
        yield bad(item, "atomic", "True or False")


def _schedule(item: Job) -> Iterator[Problem]:
    given = [name for name in ("every", "daily_at", "cron") if getattr(item, name) is not None]
    if len(given) > 1:
        yield bad(item, given[1], "one of every, daily_at and cron", f"leave out {given[0]}")
    if item.every is not None and not (
        isinstance(item.every, dt.timedelta) and item.every >= dt.timedelta(seconds=1)
    ):
        yield bad(item, "every", "a timedelta of a second or more")
    if item.daily_at is not None and not CLOCK.fullmatch(str(item.daily_at)):
        yield bad(item, "daily_at", "HH:MM, such as 02:30")
    if item.cron is not None and not _comes_again(item.cron):
        yield bad(item, "cron", "five fields that come again, such as 30 2 * * 1-5")
    if item.missed not in ("once", "skip", "each"):
        yield bad(item, "missed", "'once', 'skip' or 'each'")


def _comes_again(cron: object) -> bool:
    if not isinstance(cron, str) or not CRON.fullmatch(cron):
        return False
    from croniter import CroniterError, croniter  # a tenth of a second, for those who use it

    try:
        croniter(cron).get_next()
    except CroniterError:
        return False
    return True


def _arguments(item: Job) -> Iterator[Problem]:
    if item.args is None:
        return
    if not is_struct(item.args):
        yield bad(item, "args", "a subclass of msgspec.Struct, or None")
        return
    if item.every is None and item.daily_at is None and item.cron is None:
        return
    for field in msgspec.structs.fields(item.args):
        if field.required:
            yield bad(item, "args", f"a default for {field.name}, because it has a schedule")


def _retry(item: Retry) -> Iterator[Problem]:
    if type(item.attempts) is not int or not 1 <= item.attempts <= 1_000:
        yield bad(item, "attempts", "a whole number from 1 to 1000")
    for name in ("first", "most"):
        length = getattr(item, name)
        if not isinstance(length, dt.timedelta) or length < dt.timedelta(0):
            yield bad(item, name, "a timedelta of zero or more")
    if not isinstance(item.factor, int | float) or not 1 <= item.factor <= 100:
        yield bad(item, "factor", "a number from 1 to 100")
    if not isinstance(item.jitter, int | float) or not 0 <= item.jitter <= 1:
        yield bad(item, "jitter", "a share from 0 to 1")


def _report(item: Report) -> Iterator[Problem]:
    yield from id_faults(item)
    yield from title_faults(item)
    yield from coroutine_faults(item, "run", 2)
    yield from permission_faults(item)
    if item.params is None:
        return
    if not is_struct(item.params):
        yield bad(item, "params", "a subclass of msgspec.Struct, or None")
        return
    for field in msgspec.structs.fields(item.params):
        if field.required:
            yield bad(item, "params", f"a default for {field.name}")


def _quality_rule(item: QualityRule) -> Iterator[Problem]:
    yield from id_faults(item)
    yield from title_faults(item)
    yield from coroutine_faults(item, "find", 2)
    why: object = item.why  # of a plugin: whatever it gave
    if not isinstance(why, Text):
        yield bad(item, "why", "a Text in both languages")
    for name, words in (("dimension", DIMENSIONS), ("severity", SEVERITIES)):
        if getattr(item, name) not in words:
            yield bad(item, name, f"one of {', '.join(words)}")


def _import_target(item: Any) -> Iterator[Problem]:
    yield from id_faults(item)
    yield from title_faults(item)
    if not is_struct(item.record):
        yield bad(item, "record", "a subclass of msgspec.Struct")
        return
    fields = {field.name for field in msgspec.structs.fields(item.record)}
    if not _all_text(item.key) or not set(item.key) <= fields:
        yield bad(item, "key", f"a tuple of fields of {item.record.__name__}")
    if not isinstance(item.aliases, Mapping) or not set(item.aliases) <= fields:
        yield bad(item, "aliases", f"other headings by field of {item.record.__name__}")
    for right in ("permission", "write_permission"):
        named = getattr(item, right)
        if not isinstance(named, str) or not DECLARED_ID.fullmatch(named):
            yield bad(item, right, "the id of a permission")
    for method in ("prepare", "write", "finish", "undo"):
        if not inspect.iscoroutinefunction(getattr(item, method)):
            yield bad(item, method, "an async def")


def _channel(item: Channel) -> Iterator[Problem]:
    yield from id_faults(item)
    yield from title_faults(item)
    if not isinstance(item.channel, str) or not CHANNEL.fullmatch(item.channel):
        yield bad(item, "channel", "a word of small letters, such as 'email'")
    if type(item.batch) is not int or not 1 <= item.batch <= MOST_PARCELS:
        yield bad(item, "batch", f"a whole number from 1 to {MOST_PARCELS}")


def _all_text(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and all(isinstance(x, str) for x in value)


def _refusals(hook: str, answer: object, arguments: Mapping[str, Any]) -> Problem | None:
    if not isinstance(answer, list):
        return _wrong_answer(hook, "a list of Refusal", answer)
    drafts: Sequence[Any] = arguments["drafts"]
    for refusal in answer:
        if not isinstance(refusal, Refusal) or not isinstance(refusal.problem, Problem):
            return _wrong_answer(hook, "a list of Refusal(index, Problem)", refusal)
        if type(refusal.index) is not int or not 0 <= refusal.index < len(drafts):
            return Problem(
                code="wrong-index",
                message="the hook refused a draft that was not in the batch",
                where=hook,
                expected=f"an index from 0 to {len(drafts) - 1}",
                got=repr(refusal.index)[:80],
                mend="use the position in `drafts` as index",
            )
    return None


def _likely(hook: str, answer: object, arguments: Mapping[str, Any]) -> Problem | None:
    if not isinstance(answer, list):
        return _wrong_answer(hook, "a list of LikelyDuplicate", answer)
    count = len(arguments["drafts"])
    for one in answer:
        if not isinstance(one, LikelyDuplicate):
            return _wrong_answer(hook, "a list of LikelyDuplicate", one)
        if type(one.index) is not int or not 0 <= one.index < count:
            wrong = f"the index {one.index!r} of {count} drafts"
        elif (one.customer is None) == (one.draft is None):
            wrong = "neither a customer nor a draft, or both"
        elif one.draft is not None and not 0 <= one.draft < one.index:
            wrong = f"the draft {one.draft!r} for the draft {one.index}"
        elif one.probability is not None and not 0 <= one.probability <= 1:
            wrong = f"the probability {one.probability!r}"
        else:
            continue
        return Problem(
            code="wrong-duplicate",
            message="the hook named somebody who cannot be a duplicate",
            where=hook,
            expected="a draft of the batch, a customer or an earlier draft, and from 0 to 1",
            got=wrong[:80],
            mend="compare with the page of the hook",
        )
    return None


def _receipts(hook: str, answer: object, arguments: Mapping[str, Any]) -> Problem | None:
    if not isinstance(answer, list):
        return _wrong_answer(hook, "a list of Receipt", answer)
    for one in answer:
        if not isinstance(one, Receipt) or one.outcome not in OUTCOMES:
            return _wrong_answer(hook, "a list of Receipt", one)
    return None


def _business(hook: str, answer: object, arguments: Mapping[str, Any]) -> Problem | None:
    if not isinstance(answer, list):
        return _wrong_answer(hook, "a list of OpenBusiness", answer)
    asked = set(arguments["customers"])
    for one in answer:
        if not isinstance(one, OpenBusiness) or not isinstance(one.text, Text):
            return _wrong_answer(hook, "a list of OpenBusiness(customer, Text)", one)
        if one.customer not in asked:
            return _wrong_answer(hook, "customers of the batch", one.customer)
    return None


def _none(hook: str, answer: object, arguments: Mapping[str, Any]) -> Problem | None:
    return None if answer is None else _wrong_answer(hook, "None", answer, "return nothing")


#: for each declaring hook the type of its items and what is checked of one
DECLARED: dict[str, tuple[type, Check]] = {
    "relatum_register_permissions": (Permission, _permission),
    "relatum_register_interaction_kinds": (InteractionKind, _typed),
    "relatum_register_event_types": (EventType, _typed),
    "relatum_register_handlers": (Handler, _handler),
    "relatum_register_jobs": (Job, _job),
    "relatum_register_reports": (Report, _report),
    "relatum_register_import_targets": (ImportTarget, _import_target),
    "relatum_register_quality_rules": (QualityRule, _quality_rule),
    "relatum_register_channels": (Channel, _channel),
    **SCREENS,
}
ANSWERS: dict[str, Callable[[str, object, Mapping[str, Any]], Problem | None]] = {
    "relatum_validate_interactions": _refusals,
    "relatum_find_duplicates": _likely,
    "relatum_send": _receipts,
    "relatum_open_business": _business,
    "relatum_seed_demo": _none,
}
