"""Rules: which customers a role sees because of what they are."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import get, post
from litestar.params import FromPath
from msgspec import Meta

from relatum.access.policies import Condition, Rule
from relatum.access.sight.types import NamedRule, RuleChange, RuleDraft, RuleKey
from relatum.http.answers import Answer, Html
from relatum.http.calls import Call
from relatum.http.findings import findings
from relatum.values.problems import InvalidInput, Problem, RelatumError
from relatum.web.forms import Form, Nothing, sent
from relatum.web.languages import Language, language_of, translations
from relatum.web.layout import PAGE, Redirect, page

READ = {"permission": "core.accounts.read", **PAGE}
WRITE = {"permission": "core.roles.write", **PAGE}
HERE = "/rules"
#: Conditions that the form has room for; a rule with more is changed over the API.
MOST_CONDITIONS = 8

Title = Annotated[str, Meta(min_length=1, max_length=100)]
Sense = Literal["is", "is_not"]

#: The rows of the form are fields of their own: what belongs together stays together.
ROWS = [
    row
    for number in range(1, MOST_CONDITIONS + 1)
    for row in (
        (f"attribute{number}", Annotated[str, Meta(max_length=66)], ""),
        (f"sense{number}", Sense, "is"),
        (f"values{number}", Annotated[str, Meta(max_length=10_000)], ""),
    )
]
RuleForm = msgspec.defstruct(
    "RuleForm",
    [("title_en", Title), ("title_vi", Title), ("version", int, 0), *ROWS],
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
)
NewRuleForm = msgspec.defstruct(
    "NewRuleForm",
    [("key", RuleKey), ("title_en", Title), ("title_vi", Title), *ROWS],
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
)


@get(HERE, opt=READ, include_in_schema=False)
async def show_rules(request: Call) -> Html:
    """Every rule, and which roles use it."""
    request.refuse_query(("lang",))
    house = request.house
    roles = await house.roles.every()
    rules = await house.rules.all()
    return await page(
        request,
        "relatum/rules.html",
        here="rules",
        rules=rules,
        used={
            rule.key: [role.title for role in roles if rule.key in role.policy.rules]
            for rule in rules
        },
        attribute=await _attribute_titles(request),
    )


@get("/rules/new", opt=WRITE, include_in_schema=False)
async def show_new_rule(request: Call) -> Html:
    """The form for a rule."""
    request.refuse_query(("lang",))
    return await _rule_page(request, None, Form("rule"))


@post("/rules/new", opt=WRITE, include_in_schema=False)
async def create_rule(request: Call) -> Answer[Any]:
    """Store a rule and find the customers that fit it."""
    form = Form("rule")
    try:
        asked: Any = form.take(await sent(request), NewRuleForm)
        draft = RuleDraft(
            key=asked.key, title_en=asked.title_en, title_vi=asked.title_vi, rule=_rule(asked)
        )
        rule = await request.house.rules.create(draft, by=request.actor)
    except RelatumError as error:
        form.refuse(error)
        return await _rule_page(request, None, form)
    return Redirect(f"/rules/{rule.key}", flash="saved")


@get("/rules/{key:str}", opt=READ, include_in_schema=False)
async def show_rule(request: Call, key: FromPath[str]) -> Html:
    """One rule."""
    request.refuse_query(("lang",))
    rule = await request.house.rules.get(key)
    return await _rule_page(request, rule, Form("rule", _values(rule)))


@post("/rules/{key:str}", opt=WRITE, include_in_schema=False)
async def change_rule(request: Call, key: FromPath[str]) -> Answer[Any]:
    """Change a rule and find the customers that fit it anew."""
    rules = request.house.rules
    before = await rules.get(key)
    form = Form("rule")
    try:
        asked: Any = form.take(await sent(request), RuleForm)
        change = RuleChange(title_en=asked.title_en, title_vi=asked.title_vi, rule=_rule(asked))
        await rules.change(key, change, by=request.actor, version=asked.version)
    except RelatumError as error:
        form.refuse(error)
        return await _rule_page(request, before, form)
    return Redirect(f"/rules/{key}", flash="saved")


@post("/rules/{key:str}/remove", opt=WRITE, include_in_schema=False)
async def remove_rule(request: Call, key: FromPath[str]) -> Redirect:
    """Remove a rule; roles that use it show nothing by it any more."""
    Form("removing").take(await sent(request), Nothing)
    await request.house.rules.remove(key, by=request.actor)
    return Redirect(HERE, flash="removed")


def _rule(asked: Any) -> Rule:
    """The rule that the rows of the form say; empty rows are left out."""
    senses: dict[str, list[Condition]] = {"is": [], "is_not": []}
    problems: list[Problem] = []
    for number in range(1, MOST_CONDITIONS + 1):
        attribute = getattr(asked, f"attribute{number}")
        values = _lines(getattr(asked, f"values{number}"))
        if attribute and values:
            found = findings({"attribute": attribute, "is_one_of": values}, Condition)
            problems += [_placed(each, number) for each in found]
            condition = Condition(attribute=attribute, is_one_of=values)
            senses[getattr(asked, f"sense{number}")].append(condition)
        elif attribute or values:
            field = "values" if attribute else "attribute"
            problems.append(_half(f"{field}{number}"))
    if not senses["is"] and not problems:
        problems.append(_half("attribute1"))
    if problems:
        raise InvalidInput("The rule is not whole.", problems=problems)
    return Rule(all_of=senses["is"], none_of=senses["is_not"])


def _lines(text: str) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _placed(problem: Problem, number: int) -> Problem:
    """At the field of the form, instead of where it is in the rule."""
    field = "attribute" if problem.where == "/attribute" else "values"
    return msgspec.structs.replace(problem, where=f"/{field}{number}")


def _half(field: str) -> Problem:
    return Problem(
        code="missing",
        message="a condition needs what is looked at and at least one value",
        where=f"/{field}",
        mend="Fill in both, or neither.",
    )


def _values(rule: NamedRule) -> dict[str, Any]:
    """What the rows of the form hold for a rule."""
    values: dict[str, Any] = {
        "key": rule.key,
        "title_en": rule.title_en,
        "title_vi": rule.title_vi,
        "version": rule.version,
    }
    conditions = [("is", each) for each in rule.rule.all_of]
    conditions += [("is_not", each) for each in rule.rule.none_of]
    for number, (sense, condition) in enumerate(conditions, start=1):
        values[f"sense{number}"] = sense
        values[f"attribute{number}"] = condition.attribute
        values[f"values{number}"] = "\n".join(condition.is_one_of)
    return values


async def _rule_page(request: Call, rule: NamedRule | None, form: Form) -> Html:
    conditions = len(rule.rule.all_of) + len(rule.rule.none_of) if rule is not None else 0
    return await page(
        request,
        "relatum/rule.html",
        here="rules",
        forms=(form,),
        address="/rules/new" if rule is None else f"/rules/{rule.key}",
        stored=rule,
        too_long=conditions > MOST_CONDITIONS,
        numbers=range(1, min(MOST_CONDITIONS, max(3, _last(form) + 2)) + 1),
        attribute=await _attribute_titles(request),
        fitting=None if rule is None else await _fitting(request, rule),
    )


def _last(form: Form) -> int:
    """The last row of the form with something in it."""
    numbers = range(1, MOST_CONDITIONS + 1)
    filled = (n for n in numbers if form.value(f"attribute{n}") or form.value(f"values{n}"))
    return max(filled, default=0)


async def _fitting(request: Call, rule: NamedRule) -> int:
    row = await request.house.db.fetch_one(
        "SELECT count(*) FROM core_rule_member WHERE rule_id = ?", rule.number
    )
    return int(row[0]) if row else 0


async def _attribute_titles(request: Call) -> dict[str, str]:
    """What a rule can look at, as people call it."""
    language: Language = language_of(request)
    text = translations(language).gettext
    titles = {"tag": text("Tag"), "role": text("Role of the customer"), "kind": text("Kind")}
    for field in await request.house.customers.fields():
        if field.sensitivity != "secret":
            title = field.title_vi if language == "vi" else field.title_en
            titles[f"field.{field.key}"] = title or field.key
    return titles


ROUTES = [show_rules, show_new_rule, create_rule, show_rule, change_rule, remove_rule]
