"""The two tests of the form, and the data a new installation begins with."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from piccolo.apps.migrations.commands.new import AutoMigrationManager
from piccolo.conf.apps import AppConfig

import relatum_sales_pipeline
from relatum.api import Plugin
from relatum.app.house import House
from relatum_sales_pipeline.piccolo_app import APP_CONFIG
from relatum_sales_pipeline.qualification import Answered, Choice, Question, judge
from relatum_sales_pipeline.services.pipelines import Pipelines
from relatum_sales_pipeline.services.questions import Questions


def question(key: str, weight: int) -> Question:
    return Question(
        key=key,
        test="fit",
        customer_kind="both",
        title=key,
        title_vi="",
        weight=weight,
        choices=[Choice(key="yes", title="Yes", match=10_000)],
    )


def answer(key: str, weight: int, match: int) -> Answered:
    return Answered(question=key, choice="yes", weight=weight, match=match)


QUESTIONS = [question("a", 3000), question("b", 2500), question("c", 2500), question("d", 2000)]


def test_a_test_decides_only_when_missing_answers_cannot_change_it() -> None:
    answers: dict[str, Answered] = {}
    open_test = judge("fit", QUESTIONS, answers, threshold=60)
    assert (open_test.score, open_test.highest, open_test.passed) == (None, 100, None)
    answers["a"] = answer("a", 3000, 10_000)
    answers["b"] = answer("b", 2500, 5000)
    assert judge("fit", QUESTIONS, answers, threshold=60).passed is None
    assert judge("fit", QUESTIONS, answers, threshold=40).passed is True
    assert judge("fit", QUESTIONS, answers, threshold=90).passed is False
    answers["c"] = answer("c", 2500, 10_000)
    answers["d"] = answer("d", 2000, 0)
    whole = judge("fit", QUESTIONS, answers, threshold=60)
    assert (whole.score, whole.highest, whole.passed) == (67.5, 67.5, True)
    assert [reason.points for reason in whole.reasons] == [30, 12.5, 25, 0]


def test_a_form_without_questions_says_nothing() -> None:
    empty = judge("behaviour", QUESTIONS, {}, threshold=50)
    assert (empty.asked, empty.score, empty.passed) == (0, None, None)


matches = st.lists(st.one_of(st.none(), st.integers(0, 10_000)), min_size=4, max_size=4)


@given(matches, st.integers(0, 100))
def test_reasons_add_up_and_more_answers_never_leave_the_range(
    given_matches: list[int | None], threshold: int
) -> None:
    answers = {
        q.key: answer(q.key, q.weight, match)
        for q, match in zip(QUESTIONS, given_matches, strict=True)
        if match is not None
    }
    result = judge("fit", QUESTIONS, answers, threshold=threshold)
    low = result.score or 0
    assert low <= result.highest
    assert sum(reason.points for reason in result.reasons) == pytest.approx(low)
    for worst in (0, 10_000):
        rest = {q.key: answer(q.key, q.weight, worst) for q in QUESTIONS if q.key not in answers}
        full = judge("fit", QUESTIONS, {**rest, **answers}, threshold=threshold)
        assert full.score is not None
        assert low - 1e-9 <= full.score <= result.highest + 1e-9
        if result.passed is not None:
            assert full.passed is result.passed


async def test_a_new_installation_has_a_pipeline_reasons_and_a_form(plugin: Plugin) -> None:
    book = await Pipelines(plugin).book()
    (pipeline,) = book.pipelines
    assert [stage.key for stage in pipeline.stages] == ["prospecting", "engaging", "won", "lost"]
    assert [stage.probability for stage in pipeline.stages] == [1000, 4000, 10_000, 0]
    assert len(book.reasons) == 8
    form = [kept.question for kept in await Questions(plugin).all()]
    for kind in ("person", "organisation"):
        for test in ("fit", "behaviour"):
            weights = [
                q.weight for q in form if q.test == test and q.customer_kind in ("both", kind)
            ]
            assert sum(weights) == 10_000, (kind, test)
    assert all(q.title_vi and all(choice.title_vi for choice in q.choices) for q in form)


async def test_the_migrations_make_the_tables_as_they_are_declared(house: House) -> None:
    app = AppConfig(
        app_name=APP_CONFIG.app_name,
        migrations_folder_path=APP_CONFIG.resolved_migrations_folder_path,
        table_classes=APP_CONFIG.table_classes,
    )
    statements = await AutoMigrationManager().get_alter_statements(app_config=app)
    assert [line for group in statements for line in group.statements] == []
    assert len(app.table_classes) > 15


def test_every_table_and_every_migration_carries_the_name_of_the_plugin() -> None:
    for table in APP_CONFIG.table_classes:
        assert table._meta.tablename.startswith("sales_pipeline_"), table
    folder = Path(APP_CONFIG.resolved_migrations_folder_path)
    files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(files) > 5
    assert all(path.name.startswith("sales_pipeline_") for path in files)
    spec = importlib.util.find_spec("relatum_sales_pipeline")
    assert spec is not None
    assert relatum_sales_pipeline.__doc__
