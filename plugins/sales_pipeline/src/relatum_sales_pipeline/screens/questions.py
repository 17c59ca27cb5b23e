"""The qualification form: its questions, their weights and answers, in the order they are asked."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from relatum.api import (
    Conflict,
    Form,
    InvalidInput,
    Plugin,
    Problem,
    Redirect,
    RelatumError,
    Text,
    Visit,
    WebPage,
)
from relatum_sales_pipeline.permissions import SETUP_READ, SETUP_WRITE
from relatum_sales_pipeline.qualification import TESTS, Choice
from relatum_sales_pipeline.screens.comparing import basis_points, both_of, percent
from relatum_sales_pipeline.screens.reading import ROOT, titled
from relatum_sales_pipeline.screens.setup import new_key
from relatum_sales_pipeline.services.questions import KeptQuestion, Questions
from relatum_sales_pipeline.services.settings_log import seen_as
from relatum_sales_pipeline.types.leads import MOST_CHOICES, QuestionDraft, QuestionEdit

HERE = f"{ROOT}/setup/questions"
KINDS = ("both", "person", "organisation")
LEAST_CHOICES, LEAST_ROWS = 2, 4

Title = Annotated[str, Meta(max_length=300)]
Share = Annotated[str, Meta(max_length=20)]
Key = Annotated[str, Meta(max_length=60)]


class QuestionBase(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A question; test and kind of customer are for a new one."""

    title: Annotated[str, Meta(min_length=1, max_length=300)]
    title_vi: Title = ""
    weight: Share
    test: Annotated[str, Meta(max_length=20)] = "fit"
    kind: Annotated[str, Meta(max_length=20)] = "both"
    active: bool = False
    seen: Annotated[str, Meta(max_length=64)] = ""


#: With its possible answers: ``c<n>_key`` is empty for a new one.
QuestionForm = msgspec.defstruct(
    "QuestionForm",
    [
        (f"c{n}_{field}", kind, "")
        for n in range(MOST_CHOICES)
        for field, kind in (("key", Key), ("title", Title), ("title_vi", Title), ("match", Share))
    ],
    bases=(QuestionBase,),
    kw_only=True,
    forbid_unknown_fields=True,
)


class Pressed(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing but the button."""


async def load(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    kept = await Questions(plugin).all()
    return {
        "tests": [
            (test, [_shown(each, visit) for each in kept if each.question.test == test])
            for test in TESTS
        ],
        "may_write": visit.may(SETUP_WRITE),
        "here": "sales_pipeline.setup",
        "root": ROOT,
    }


def _shown(kept: KeptQuestion, visit: Visit) -> dict[str, Any]:
    question = kept.question
    return {
        "key": question.key,
        "title": titled(question, visit),
        "kind": question.customer_kind,
        "weight": question.weight / 10_000,
        "active": kept.active,
        "choices": [(titled(each, visit), each.match / 10_000) for each in question.choices],
    }


async def new(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    values = {"test": "fit", "kind": "both", "active": True}
    return await _page(visit, Form("question", values))


async def create(plugin: Plugin, visit: Visit) -> Any:
    sent: Any
    form, sent = await visit.form("question", QuestionForm)
    if sent is not None:
        questions = Questions(plugin)
        try:
            # a page has the address …/questions/new
            taken = {"new", *(each.question.key for each in await questions.all())}
            draft = _draft(sent, new_key(sent.title, taken))
            await questions.create(draft, by=visit.call.actor)
        except RelatumError as error:
            _refuse(form, error)
        else:
            return Redirect(HERE, flash="sales_pipeline.saved")
    return await _page(visit, form)


async def edit(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    kept = await Questions(plugin).get(_key(visit))
    return await _page(visit, Form("question", _values(kept, visit)), kept)


async def change(plugin: Plugin, visit: Visit) -> Any:
    questions = Questions(plugin)
    kept = await questions.get(_key(visit))
    sent: Any
    form, sent = await visit.form("question", QuestionForm)
    both = []
    if sent is not None:
        try:
            wanted = _edit(sent)
            seen, by = sent.seen or None, visit.call.actor
            await questions.change(kept.question.key, wanted, by=by, seen=seen)
        except Conflict as error:
            form.refuse(error)
            both = both_of(_labels(visit), _values(kept, visit), form)
            form.hold({"seen": seen_as(kept)})
        except RelatumError as error:
            _refuse(form, error)
        else:
            return Redirect(HERE, flash="sales_pipeline.saved")
    return {**await _page(visit, form, kept), "both": both}


async def earlier(plugin: Plugin, visit: Visit) -> Any:
    return await _shift(plugin, visit, -1)


async def later(plugin: Plugin, visit: Visit) -> Any:
    return await _shift(plugin, visit, 1)


async def _shift(plugin: Plugin, visit: Visit, step: int) -> Any:
    await visit.form("pressed", Pressed)
    await Questions(plugin).shift(_key(visit), step, by=visit.call.actor)
    return Redirect(f"{HERE}#question-{_key(visit)}")


def _key(visit: Visit) -> str:
    return str(visit.path.get("key", ""))[:60]


async def _page(visit: Visit, form: Form, kept: KeptQuestion | None = None) -> dict[str, Any]:
    used = [n for n in range(MOST_CHOICES) if form.value(f"c{n}_title")]
    rows = min(max(LEAST_ROWS, (max(used) if used else 0) + 3), MOST_CHOICES)
    return {
        "form": form,
        "shown": kept,
        "rows": range(rows),
        "kinds": KINDS,
        "tests": TESTS,
        "both": [],
        "here": "sales_pipeline.setup",
        "root": ROOT,
    }


def _values(kept: KeptQuestion, visit: Visit) -> dict[str, Any]:
    question = kept.question
    values: dict[str, Any] = {
        "title": question.title,
        "title_vi": question.title_vi,
        "weight": percent(question.weight, visit),
        "active": kept.active,
        "seen": seen_as(kept),
    }
    for n, choice in enumerate(question.choices):
        values |= {
            f"c{n}_key": choice.key,
            f"c{n}_title": choice.title,
            f"c{n}_title_vi": choice.title_vi,
            f"c{n}_match": percent(choice.match, visit),
        }
    return values


def _labels(visit: Visit) -> dict[str, str]:
    labels = {
        "title": visit.text("Question (English)"),
        "title_vi": visit.text("Question (Vietnamese)"),
        "weight": visit.text("Weight in percent"),
    }
    for n in range(MOST_CHOICES):
        labels |= {
            f"c{n}_title": visit.text("Answer %(n)s (English)", n=n + 1),
            f"c{n}_title_vi": visit.text("Answer %(n)s (Vietnamese)", n=n + 1),
            f"c{n}_match": visit.text("Match %(n)s in percent", n=n + 1),
        }
    return labels


def _draft(sent: Any, key: str) -> QuestionDraft:
    test: Any = sent.test if sent.test in TESTS else _unknown("test", sent.test, TESTS)
    kind: Any = sent.kind if sent.kind in KINDS else _unknown("kind", sent.kind, KINDS)
    return QuestionDraft(
        key=key,
        test=test,
        customer_kind=kind,
        title=sent.title,
        title_vi=sent.title_vi,
        weight=basis_points(sent.weight, "/weight"),
        position=10_000,
        choices=_choices(sent),
    )


def _edit(sent: Any) -> QuestionEdit:
    return QuestionEdit(
        title=sent.title,
        title_vi=sent.title_vi,
        weight=basis_points(sent.weight, "/weight"),
        choices=_choices(sent),
        active=sent.active,
    )


def _choices(sent: Any) -> list[Choice]:
    """The answers that have a title; one that lost it is taken off."""
    values: dict[str, str] = msgspec.structs.asdict(sent)
    used = [n for n in range(MOST_CHOICES) if values[f"c{n}_title"].strip()]
    taken = {values[f"c{n}_key"] for n in used if values[f"c{n}_key"]}
    choices = []
    for n in used:
        title = values[f"c{n}_title"].strip()
        key = values[f"c{n}_key"] or new_key(title, taken)
        taken.add(key)
        match = basis_points(values[f"c{n}_match"] or "0", f"/c{n}_match")
        title_vi = values[f"c{n}_title_vi"].strip()
        choices.append(Choice(key=key, title=title, title_vi=title_vi, match=match))
    if len(choices) < LEAST_CHOICES:
        problem = Problem(
            code="too-few",
            message="a question has at least two answers",
            where=f"/c{min(len(choices), LEAST_CHOICES - 1)}_title",
            expected="two answers or more",
            got=str(len(choices)),
            mend="Add another.",
        )
        raise InvalidInput("The question has too few answers.", problems=[problem])
    return choices


def _unknown(field: str, got: str, known: tuple[str, ...]) -> Any:
    problem = Problem(
        code="wrong-value",
        message="this cannot be chosen",
        where=f"/{field}",
        expected=", ".join(known),
        got=got[:40],
        mend="Choose one.",
    )
    raise InvalidInput("The question cannot be accepted.", problems=[problem])


def _refuse(form: Form, error: RelatumError) -> None:
    """Note what is wrong beside its field; answers are ``/choices/<n>/<field>`` to the service."""
    error.problems = tuple(_placed(each) for each in error.problems)
    form.refuse(error)


def _placed(problem: Problem) -> Problem:
    first, _, rest = problem.where.strip("/").partition("/")
    if first != "choices" or not rest:
        return problem
    n, _, field = rest.partition("/")
    field = "title" if field in ("", "key") else field
    return msgspec.structs.replace(problem, where=f"/c{n}_{field}")


TITLE = Text(en="Qualification questions", vi="Câu hỏi đánh giá")
PAGES = [
    WebPage(
        id="sales_pipeline.questions",
        path="/setup/questions",
        title=TITLE,
        permission=SETUP_READ,
        template="sales_pipeline/questions.html",
        load=load,
    ),
    WebPage(
        id="sales_pipeline.new_question",
        path="/setup/questions/new",
        title=TITLE,
        permission=SETUP_WRITE,
        template="sales_pipeline/question.html",
        load=new,
        act=create,
    ),
    WebPage(
        id="sales_pipeline.question",
        path="/setup/questions/{key:str}",
        title=TITLE,
        permission=SETUP_WRITE,
        template="sales_pipeline/question.html",
        load=edit,
        act=change,
    ),
    WebPage(
        id="sales_pipeline.question_earlier",
        path="/setup/questions/{key:str}/earlier",
        title=TITLE,
        permission=SETUP_WRITE,
        act=earlier,
    ),
    WebPage(
        id="sales_pipeline.question_later",
        path="/setup/questions/{key:str}/later",
        title=TITLE,
        permission=SETUP_WRITE,
        act=later,
    ),
]
