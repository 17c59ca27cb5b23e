"""What plugins may not declare, each refused for its own reason; nothing is half-registered."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from relatum.hooks import specs
from relatum.hooks.checks import ANSWERS, DECLARED
from relatum.hooks.declarations import Permission
from relatum.hooks.dispatcher import Dispatcher
from relatum.hooks.registry import Registry
from relatum.values.problems import Problem
from relatum.values.text import Text

Bring = Callable[..., list[Problem]]

SOUND = """
import typing
from relatum.api import Channel, QualityRule, Retry

class Misspelt(msgspec.Struct, forbid_unknown_fields=True):
    number: typing.Annotated[str, msgspec.Meta(extra={"sensitivity": "contacts"})]

class Empty(msgspec.Struct, forbid_unknown_fields=True):
    pass

class Row(msgspec.Struct):
    name: str

async def one(plugin): pass
async def two(plugin, more): pass

class Target:
    id = "a.rows"
    title = Text(en="Rows", vi="Dòng")
    record = Row
    key = ("name",)
    aliases = {"name": ("tên",)}
    permission = write_permission = "a.rows.read"
    async def prepare(self, plugin, records, scope): ...
    async def write(self, plugin, records, scope): ...
    async def finish(self, plugin, scope): ...
    async def undo(self, plugin, written, scope): ...
    def export(self, plugin): ...

@get("/rows", opt={"permission": "a.rows.read"})
async def rows(plugin: NamedDependency[Plugin]) -> list[int]:
    return []

TITLE = Text(en="Rows", vi="Dòng")
PERMISSIONS = [Permission(id="a.rows.read", title=TITLE)]
INTERACTION_KINDS = [InteractionKind(id="a.row", title=TITLE, payload=Empty)]
EVENT_TYPES = [EventType(id="a.row_made", title=TITLE, payload=Empty)]
HANDLERS = [Handler(id="a.count", events=("a.row_made",), handle=two, reset=one)]
JOBS = [Job(id="a.tidy", title=TITLE, run=two, every=dt.timedelta(hours=1))]
ROUTES = [rows]
REPORTS = [Report(id="a.summary", title=TITLE, permission="a.rows.read", run=two)]
IMPORT_TARGETS = [Target()]

async def three(plugin, visit, some): pass
async def four(plugin, visit, ids, fields): pass
async def five(plugin, visit, query, after, limit): pass

NAMED = {"title": TITLE, "permission": "a.rows.read"}
PAGES = [WebPage(id="a.rows", path="/rows/{id:str}", template="a/rows.html", load=two, **NAMED)]
PANELS = [Panel(id="a.side", slot="customer.side", template="a/side.html", load=two, **NAMED)]
WIDGETS = [Widget(id="a.box", template="a/box.html", load=two, **NAMED)]
COMMANDS = [Command(id="a.go", path="/p/a/rows/1", **NAMED)]
COLUMNS = [Column(id="a.column", load=three, **NAMED)]
BULK_ACTIONS = [BulkAction(id="a.bulk", run=four, **NAMED)]
METRICS = [Metric(id="a.metric", unit="count", points=three, rows=five, **NAMED)]
CHANNELS = [Channel(id="a.mail", title=TITLE, channel="email")]
QUALITY_RULES = [
    QualityRule(id="a.rule", title=TITLE, why=TITLE, dimension="consistency", find=two)
]

def changed(items, **fields):
    items[0] = msgspec.structs.replace(items[0], **fields)
"""
HOOKS = "\n".join(
    f"@hookimpl\ndef {hook}(plugin): return {hook.removeprefix('relatum_register_').upper()}"
    for hook in specs.DECLARING
)


def source_with(change: str) -> str:
    return f"{SOUND}\n{textwrap.dedent(change)}\n{HOOKS}"


def test_sound_plugin_fills_every_shelf(bring: Bring, registry: Registry) -> None:
    assert bring("a", source_with("")) == []
    assert registry.permissions.ids() == ["a.rows.read"]
    assert registry.interaction_kinds.ids() == ["a.row"]
    assert registry.event_types.ids() == ["a.row_made"]
    assert registry.handlers.ids() == ["a.count"]
    assert registry.jobs.ids() == ["a.tidy"]
    assert registry.reports.ids() == ["a.summary"]
    assert registry.import_targets.ids() == ["a.rows"]
    assert len(registry.routes["a"]) == 1
    assert registry.pages.ids() == ["a.rows"]
    assert registry.panels.ids() == ["a.side"]
    assert registry.widgets.ids() == ["a.box"]
    assert registry.commands.ids() == ["a.go"]
    assert registry.columns.ids() == ["a.column"]
    assert registry.bulk_actions.ids() == ["a.bulk"]
    assert registry.metrics.ids() == ["a.metric"]
    assert registry.quality_rules.ids() == ["a.rule"]
    assert registry.channels.ids() == ["a.mail"]


WRONG = {
    # every hook, every way to fail
    **{
        f"{hook} {way}": (f"@hookimpl\ndef {hook}(plugin): {body}", code, expected)
        for hook in specs.DECLARING
        for way, body, code, expected in (
            ("raises", "raise ValueError('too blue')", "raised", "ValueError: too blue"),
            ("exits", "sys.exit(3)", "raised", "SystemExit: 3"),
            ("hangs", "time.sleep(2)", "hangs", "an answer within 0.5 s"),
            ("answers nothing", "pass", "wrong-type", "got NoneType"),
            ("answers a tuple", "return ()", "wrong-type", "got tuple"),
            ("answers text", "return ['x']", "wrong-type", "got str"),
        )
    },
    **{
        f"screen {number}": (change, code, expected)
        for number, (change, code, expected) in enumerate(
            (
                ("changed(PAGES, path='rows')", "bad-declaration", "a path such as"),
                ("changed(PAGES, path='/../x')", "bad-declaration", "a path such as"),
                ("changed(PAGES, path='/{id}')", "bad-declaration", "a path such as"),
                ("changed(PAGES, template='b/rows.html')", "bad-declaration", "a/page.html"),
                ("changed(PAGES, template='a/../b/x.html')", "bad-declaration", "a/page.html"),
                ("changed(PAGES, template='relatum/home.html')", "bad-declaration", "a/page.html"),
                ("changed(PAGES, load=None)", "bad-declaration", "load, act or both"),
                ("changed(PAGES, load=one)", "bad-declaration", "2 argument(s)"),
                ("changed(PAGES, act=len)", "bad-declaration", "an async def"),
                ("changed(PAGES, entry=Entry(icon='x'))", "bad-declaration", "with parameters"),
                ("changed(PAGES, path='/', entry=5)", "bad-declaration", "an Entry"),
                ("changed(PAGES, path='/', entry=Entry(icon='A b'))", "bad-declaration", "Entry"),
                ("changed(PAGES, permission='')", "bad-declaration", "id of a permission"),
                ("changed(PAGES, permission='a.x.read')", "undeclared-permission", "declared"),
                ("changed(PAGES, act=two, act_permission='a.x.y')", "undeclared-permission", ""),
                (
                    "PAGES.append(msgspec.structs.replace(PAGES[0], id='a.more'))",
                    "duplicate-page",
                    "each path once",
                ),
                ("changed(PANELS, slot='customer.top')", "bad-declaration", "customer.side"),
                ("changed(PANELS, template='')", "bad-declaration", "a/page.html"),
                ("changed(PANELS, icon='<svg>')", "bad-declaration", "the name of an icon"),
                ("changed(PANELS, load=None)", "bad-declaration", "an async def"),
                ("changed(PANELS, permission='public')", "bad-declaration", "a permission"),
                ("changed(WIDGETS, width=5)", "bad-declaration", "1 to 4 columns"),
                ("changed(WIDGETS, load=None)", "bad-declaration", "an async def"),
                ("changed(WIDGETS, metric='a.metric', chart='pie')", "bad-declaration", "line"),
                ("changed(COMMANDS, path='https://evil.example')", "bad-declaration", "a path"),
                ("changed(COMMANDS, path='//evil.example')", "bad-declaration", "a path"),
                ("changed(COMMANDS, path='/p/a?of={id}')", "bad-declaration", "no {id}"),
                ("changed(COMMANDS, slot='list.top')", "bad-declaration", "customer.actions"),
                ("changed(COLUMNS, load=two)", "bad-declaration", "3 argument(s)"),
                ("changed(BULK_ACTIONS, run=two)", "bad-declaration", "4 argument(s)"),
                ("changed(BULK_ACTIONS, fields=dict)", "bad-declaration", "msgspec.Struct"),
                ("changed(METRICS, unit='euro')", "bad-declaration", "count"),
                ("changed(METRICS, points=two)", "bad-declaration", "3 argument(s)"),
                ("changed(METRICS, rows=two)", "bad-declaration", "5 argument(s)"),
                ("changed(METRICS, dimensions=('team',))", "bad-declaration", "Dimension"),
                ("changed(INTERACTION_KINDS, template='b/x.html')", "bad-declaration", "a/page"),
                ("changed(QUALITY_RULES, why='x')", "bad-declaration", "both languages"),
                ("changed(QUALITY_RULES, dimension='x')", "bad-declaration", "completeness"),
                ("changed(QUALITY_RULES, severity='x')", "bad-declaration", "warning"),
                ("changed(QUALITY_RULES, find=one)", "bad-declaration", "2 argument(s)"),
                ("changed(CHANNELS, channel='E-mail!')", "bad-declaration", "small letters"),
                ("changed(CHANNELS, batch=0)", "bad-declaration", "a whole number from 1"),
            )
        )
    },
    "foreign id": ("PERMISSIONS[0] = Permission(id='b.x.read', title=TITLE)", "foreign-id", "a."),
    "core's id": ("JOBS[0] = msgspec.structs.replace(JOBS[0], id='core.x')", "foreign-id", "a."),
    "longer id": ("JOBS[0] = msgspec.structs.replace(JOBS[0], id='ab.x')", "foreign-id", "a."),
    "bare id": ("JOBS[0] = msgspec.structs.replace(JOBS[0], id='a')", "bad-declaration", "<noun>"),
    "no text as id": ("JOBS[0] = msgspec.structs.replace(JOBS[0], id=5)", "bad-declaration", "id"),
    "duplicate id": ("PERMISSIONS += PERMISSIONS", "duplicate-id", "declared twice"),
    "one language": (
        "PERMISSIONS[0] = Permission(id='a.rows.read', title=Text(en='Rows', vi=''))",
        "bad-declaration",
        "both languages",
    ),
    "permission of an unknown role": (
        "PERMISSIONS = [Permission(id='a.rows.read', title=TITLE, roles=('boss',))]",
        "bad-declaration",
        "a tuple of built-in roles",
    ),
    "permission of the owner": (
        "PERMISSIONS = [Permission(id='a.rows.read', title=TITLE, roles=('owner',))]",
        "bad-declaration",
        "a tuple of built-in roles",
    ),
    "payload is no Struct": (
        "INTERACTION_KINDS = [InteractionKind(id='a.row', title=TITLE, payload=dict)]",
        "bad-declaration",
        "msgspec.Struct",
    ),
    "payload lets all through": (
        "INTERACTION_KINDS = [InteractionKind(id='a.row', title=TITLE, payload=Row)]",
        "bad-declaration",
        "forbid_unknown_fields=True",
    ),
    "a class that nobody knows": (
        "INTERACTION_KINDS = [InteractionKind(id='a.row', title=TITLE, payload=Misspelt)]",
        "unknown-sensitivity",
        "contact, identity, finance or health",
    ),
    "version zero": (
        "EVENT_TYPES = [EventType(id='a.made', title=TITLE, payload=Empty, version=0)]",
        "bad-declaration",
        "from 1",
    ),
    "handler is no coroutine": (
        "HANDLERS = [Handler(id='a.count', events=('a.row_made',), handle=lambda p, e: None)]",
        "bad-declaration",
        "an async def",
    ),
    "handler takes too little": (
        "HANDLERS = [Handler(id='a.count', events=('a.row_made',), handle=one)]",
        "bad-declaration",
        "2 argument",
    ),
    "handler of one event as text": (
        "HANDLERS = [Handler(id='a.count', events='a.row_made', handle=two)]",
        "bad-declaration",
        "a tuple of ids",
    ),
    "handler with a batch of none": (
        "HANDLERS = [Handler(id='a.count', events=('a.row_made',), handle=two, batch=0)]",
        "bad-declaration",
        "from 1 to 10000",
    ),
    "handler with more shards than there may be": (
        "HANDLERS = [Handler(id='a.count', events=('a.row_made',), handle=two, shards=65)]",
        "bad-declaration",
        "from 1 to 64",
    ),
    "job that takes too little": (
        "JOBS = [msgspec.structs.replace(JOBS[0], run=one)]",
        "bad-declaration",
        "2 argument",
    ),
    "job with two times": (
        "JOBS = [msgspec.structs.replace(JOBS[0], daily_at='02:30')]",
        "bad-declaration",
        "one of every, daily_at and cron",
    ),
    "job at 25 o'clock": (
        "JOBS = [msgspec.structs.replace(JOBS[0], every=None, daily_at='25:00')]",
        "bad-declaration",
        "HH:MM",
    ),
    "job all the time": (
        "JOBS = [msgspec.structs.replace(JOBS[0], every=dt.timedelta(0))]",
        "bad-declaration",
        "a second or more",
    ),
    "job with six fields": (
        "JOBS = [msgspec.structs.replace(JOBS[0], every=None, cron='0 0 0 * * *')]",
        "bad-declaration",
        "five fields",
    ),
    "job by name": (
        "JOBS = [msgspec.structs.replace(JOBS[0], every=None, cron='@daily')]",
        "bad-declaration",
        "five fields",
    ),
    "job that never comes": (
        "JOBS = [msgspec.structs.replace(JOBS[0], every=None, cron='0 0 31 2 *')]",
        "bad-declaration",
        "that come again",
    ),
    "job with a strange rule for missed times": (
        "JOBS = [msgspec.structs.replace(JOBS[0], missed='never')]",
        "bad-declaration",
        "'once', 'skip' or 'each'",
    ),
    "scheduled job that needs arguments": (
        "JOBS = [msgspec.structs.replace(JOBS[0], args=Row)]",
        "bad-declaration",
        "a default for name, because it has a schedule",
    ),
    "job with a dict as arguments": (
        "JOBS = [msgspec.structs.replace(JOBS[0], args=dict)]",
        "bad-declaration",
        "msgspec.Struct",
    ),
    "job that is never tried": (
        "JOBS = [msgspec.structs.replace(JOBS[0], retry=Retry(attempts=0))]",
        "bad-declaration",
        "from 1 to 1000",
    ),
    "job with shrinking distances": (
        "JOBS = [msgspec.structs.replace(JOBS[0], retry=Retry(factor=0.5))]",
        "bad-declaration",
        "from 1 to 100",
    ),
    "job with a negative distance": (
        "JOBS = [msgspec.structs.replace(JOBS[0], retry=Retry(first=dt.timedelta(-1)))]",
        "bad-declaration",
        "zero or more",
    ),
    "job with too much jitter": (
        "JOBS = [msgspec.structs.replace(JOBS[0], retry=Retry(jitter=2))]",
        "bad-declaration",
        "from 0 to 1",
    ),
    "job with a number of tries for Retry": (
        "JOBS = [msgspec.structs.replace(JOBS[0], retry=3)]",
        "bad-declaration",
        "a Retry",
    ),
    "job without time": (
        "JOBS = [msgspec.structs.replace(JOBS[0], timeout=dt.timedelta(0))]",
        "bad-declaration",
        "above zero",
    ),
    "job that goes before core": (
        "JOBS = [msgspec.structs.replace(JOBS[0], priority=1001)]",
        "bad-declaration",
        "from -1000 to 1000",
    ),
    "job with half a seat": (
        "JOBS = [msgspec.structs.replace(JOBS[0], at_once=0.5)]",
        "bad-declaration",
        "a whole number from 0",
    ),
    "job that is perhaps atomic": (
        "JOBS = [msgspec.structs.replace(JOBS[0], atomic='yes')]",
        "bad-declaration",
        "True or False",
    ),
    "report with a needed parameter": (
        "REPORTS = [msgspec.structs.replace(REPORTS[0], params=Row)]",
        "bad-declaration",
        "a default for name",
    ),
    "report without a permission": (
        "REPORTS = [msgspec.structs.replace(REPORTS[0], permission='')]",
        "bad-declaration",
        "the id of a permission",
    ),
    "target that lacks a method": ("del Target.finish", "wrong-type", "ImportTarget"),
    "target with a strange key": (
        "Target.key = ('nmae',)",
        "bad-declaration",
        "a tuple of fields of Row",
    ),
    "target with strange aliases": (
        "Target.aliases = {'nmae': ()}",
        "bad-declaration",
        "by field of Row",
    ),
    "target without a permission": (
        "Target.permission = ''",
        "bad-declaration",
        "the id of a permission",
    ),
    "route without a permission": (
        "@get('/x')\nasync def x() -> None: ...\nROUTES = [x]",
        "no-permission",
        "a.<noun>.<verb>",
    ),
    "route that is a function": ("ROUTES = [one]", "wrong-type", "made by @get"),
    "route with a foreign name": (
        (
            "@get('/x', name='b.x', opt={'permission': 'a.rows.read'})\n"
            "async def x() -> None: ...\nROUTES = [x]"
        ),
        "foreign-id",
        "leave it out",
    ),
    "route twice": (
        (
            "@get('/rows', opt={'permission': 'a.rows.read'})\n"
            "async def again() -> None: ...\nROUTES = [rows, again]"
        ),
        "duplicate-route",
        "GET /rows is declared 2 times",
    ),
    "route with an unknown type": (
        (
            "@get('/x', opt={'permission': 'a.rows.read'})\n"
            "async def x(y: 'Unknown') -> None: ...\nROUTES = [x]"
        ),
        "unusable-routes",
        "NameError: name 'Unknown'",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_declaration_keeps_the_whole_plugin_out(
    bring: Bring, registry: Registry, dispatcher: Dispatcher, wrong: str
) -> None:
    change, code, expected = WRONG[wrong]
    if change.startswith("@hookimpl"):
        problems = bring("a", f"{SOUND}\n{HOOKS}\n{change}")
    else:
        problems = bring("a", source_with(change))
    assert code in [problem.code for problem in problems], problems
    assert expected in "\n".join(map(str, problems))
    assert registry.plugins == {}
    assert registry.routes == {}
    for hook in specs.DECLARING:
        shelf = registry.shelf_of(hook)
        assert shelf is None or not shelf._items, hook


def test_wrong_declarations_are_many() -> None:
    assert len(WRONG) == 6 * len(specs.DECLARING) + 48 + 42


def test_every_hook_has_its_check() -> None:
    assert {*DECLARED, "relatum_register_routes"} == set(specs.DECLARING)
    assert set(ANSWERS) == set(specs.TAKING_PART)


def test_everything_wrong_is_reported_at_once(bring: Bring) -> None:
    change = "PERMISSIONS = None; JOBS = 5; REPORTS = [1, 2]"
    problems = bring("a", source_with(change))
    assert len(problems) == 4


UNDECLARED = {
    "by nobody": ("PERMISSIONS = []", "a.rows.read"),
    "of another plugin": (
        "REPORTS = [msgspec.structs.replace(REPORTS[0], permission='b.rows.read')]",
        "b.rows.read",
    ),
    "that core lacks": (
        (
            "@get('/x', opt={'permission': 'core.nothing.read'})\n"
            "async def x() -> None: ...\nROUTES = [x]"
        ),
        "core.nothing.read",
    ),
    "of a target": ("Target.write_permission = 'a.rows.write'", "a.rows.write"),
}


@pytest.mark.parametrize("wrong", UNDECLARED)
def test_undeclared_permissions_keep_the_plugin_out(
    bring: Bring, registry: Registry, wrong: str
) -> None:
    change, got = UNDECLARED[wrong]
    [problem] = bring("a", source_with(change))
    assert (problem.code, problem.got) == ("undeclared-permission", got)
    assert registry.plugins == {}


def test_cores_permissions_and_those_of_everybody_need_no_declaration(
    bring: Bring, registry: Registry
) -> None:
    registry.permissions.put(Permission(id="core.rows.read", title=Text(en="Rows", vi="Dòng")))
    change = """
    @get("/x", opt={"permission": "core.rows.read"})
    async def x() -> None: ...
    @get("/y", opt={"permission": "public"})
    async def y() -> None: ...
    @get("/z", opt={"permission": "signed-in"})
    async def z() -> None: ...
    ROUTES = [x, y, z]
    """
    assert bring("a", source_with(change)) == []
    assert len(registry.routes["a"]) == 3


def test_controllers_hand_their_permission_down(bring: Bring, registry: Registry) -> None:
    change = """
    from litestar import Controller
    class Rows(Controller):
        path = "/more"
        opt = {"permission": "a.rows.read"}
        @get("/")
        async def all(self) -> list[int]: return []
    ROUTES = [Rows]
    """
    assert bring("a", source_with(change)) == []
    assert len(registry.routes["a"]) == 1


def test_controller_without_a_permission_is_refused(bring: Bring) -> None:
    change = """
    from litestar import Controller
    class Rows(Controller):
        @get("/")
        async def all(self) -> list[int]: return []
    ROUTES = [Rows]
    """
    assert [problem.code for problem in bring("a", source_with(change))] == ["no-permission"]
