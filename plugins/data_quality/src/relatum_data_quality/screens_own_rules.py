"""The company's own rules: a list, a form for each kind, and a look at what a rule would find."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relatum.api import (
    Form,
    Plugin,
    Redirect,
    RelatumError,
    Text,
    Visit,
    WebPage,
    id_in_path,
)
from relatum_data_quality.jobs import NIGHTLY
from relatum_data_quality.permissions import RULES
from relatum_data_quality.rules.own import rule_id
from relatum_data_quality.services.findings import Findings
from relatum_data_quality.services.own_rules import OwnRules
from relatum_data_quality.types import OwnKind, OwnPreview, OwnRule, OwnRuleDraft

ROOT = "/p/data_quality"
HERE = f"{ROOT}/rules"
#: Each kind with what it asks for.
KINDS: dict[str, Text] = {
    "required": Text(en="A field is filled in", vi="Trường bắt buộc"),
    "digits": Text(en="Only digits", vi="Chỉ gồm chữ số"),
    "number": Text(en="A number within bounds", vi="Số trong khoảng"),
    "words": Text(en="One of a list of words", vi="Một từ trong danh sách"),
    "domain": Text(en="E-mail address of a domain", vi="Email thuộc tên miền"),
    "not_future": Text(en="A date that is not in the future", vi="Ngày không ở tương lai"),
    "not_past": Text(en="A date that is not in the past", vi="Ngày không ở quá khứ"),
    "not_older": Text(en="A date that is not too old", vi="Ngày không quá cũ"),
}
POINTS: dict[str, Text] = {
    "point:phone": Text(en="Phone number", vi="Số điện thoại"),
    "point:email": Text(en="E-mail address", vi="Địa chỉ email"),
    "point:address": Text(en="Address", vi="Địa chỉ"),
    "point:zalo": Text(en="Zalo", vi="Zalo"),
    "point:facebook": Text(en="Facebook", vi="Facebook"),
    "point:website": Text(en="Website", vi="Trang web"),
}
ROLES: dict[str, Text] = {
    "prospect": Text(en="Prospect", vi="Khách tiềm năng"),
    "customer": Text(en="Customer", vi="Khách hàng"),
    "partner": Text(en="Partner", vi="Đối tác"),
    "supplier": Text(en="Supplier", vi="Nhà cung cấp"),
    "distributor": Text(en="Distributor", vi="Nhà phân phối"),
    "investor": Text(en="Investor", vi="Nhà đầu tư"),
    "employee": Text(en="Employee", vi="Nhân viên"),
}


class RuleForm(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A rule as it is typed; ``words`` are lines."""

    kind: OwnKind
    do: Literal["preview", "save"] = "preview"
    version: Annotated[int, Meta(ge=1)] | None = None
    field: Annotated[str, Meta(min_length=1, max_length=60)]
    people: Literal["", "person", "organisation"] = ""
    role: Literal[
        "",
        "prospect",
        "customer",
        "partner",
        "supplier",
        "distributor",
        "investor",
        "employee",
    ] = ""
    tag: Annotated[str, Meta(max_length=60)] = ""
    severity: Literal["error", "warning", "note"] = "warning"
    weight: Annotated[int, Meta(ge=0, le=10)] = 1
    title_vi: Annotated[str, Meta(min_length=1, max_length=120)]
    title_en: Annotated[str, Meta(min_length=1, max_length=120)]
    least: Annotated[str, Meta(max_length=30)] = ""
    most: Annotated[str, Meta(max_length=30)] = ""
    words: Annotated[str, Meta(max_length=10_000)] = ""
    days: Annotated[int, Meta(ge=0, le=36500)] | None = None

    def draft(self) -> OwnRuleDraft:
        """As the service takes it."""
        values = {name: getattr(self, name) for name in OwnRuleDraft.__struct_fields__}
        lines = [line.strip() for line in self.words.splitlines()]
        return OwnRuleDraft(**values | {"words": [*filter(None, lines)]})


class Asked(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Of which kind a new rule is."""

    kind: OwnKind = "required"


class Switch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What becomes of a rule."""

    rule: UUID
    do: Literal["on", "off", "remove"]


async def show_rules(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """The rules with how many records each finds now, and the kinds of a new one."""
    own = OwnRules(plugin)
    counts = {rule: count for rule, _, _, count, _ in await Findings(plugin).counts()}
    names = _names(visit, await own.fields("required"))
    return {
        "rules": [
            (each, _title(visit, each), names.get(each.field, each.field), counts.get(id, 0), id)
            for each in await own.all()
            for id in (rule_id(each.id),)
        ],
        "kinds": _pairs(visit, KINDS),
        "kind_names": dict(_pairs(visit, KINDS)),
        "root": ROOT,
        "rules_root": HERE,
    }


async def switch_rule(plugin: Plugin, visit: Visit) -> Any:
    """Switch a rule on or off, or remove it."""
    form, sent = await visit.form("switch", Switch)
    if sent is None:
        return {**await show_rules(plugin, visit), "switch": form}
    own, by = OwnRules(plugin), visit.call.actor
    if sent.do == "remove":
        await own.remove(sent.rule, by=by)
    else:
        await own.switch(sent.rule, active=sent.do == "on", by=by)
    await _check_all(plugin)
    return Redirect(HERE, flash=f"data_quality.rule_{sent.do}")


async def show_new(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """An empty form of one kind."""
    _, asked = visit.query(Asked)
    form = Form("rule", {"kind": asked.kind, "severity": "warning", "weight": 1})
    return await _shown(plugin, visit, form, asked.kind)


async def make(plugin: Plugin, visit: Visit) -> Any:
    """Try a new rule, or keep it."""
    return await _taken(plugin, visit, None)


async def show_rule(plugin: Plugin, visit: Visit) -> dict[str, Any]:
    """A rule in its form."""
    rule = await OwnRules(plugin).get(id_in_path(visit.path["rule"], "rule"))
    values = {name: getattr(rule, name) for name in OwnRuleDraft.__struct_fields__}
    values |= {"words": "\n".join(rule.words), "version": rule.version}
    return await _shown(plugin, visit, Form("rule", values), rule.kind, rule)


async def change(plugin: Plugin, visit: Visit) -> Any:
    """Try a changed rule, or keep it."""
    return await _taken(
        plugin, visit, await OwnRules(plugin).get(id_in_path(visit.path["rule"], "rule"))
    )


async def _taken(plugin: Plugin, visit: Visit, rule: OwnRule | None) -> Any:
    form, sent = await visit.form("rule", RuleForm)
    preview = None
    if sent is not None:
        own, by = OwnRules(plugin), visit.call.actor
        try:
            draft = sent.draft()
            if sent.do == "preview":
                preview = await own.preview(draft)
            elif rule is None:
                await own.create(draft, by=by)
            else:
                await own.change(rule.id, draft, by=by, version=sent.version)
        except RelatumError as error:
            form.refuse(error)
        else:
            if sent.do == "save":
                await _check_all(plugin)
                return Redirect(HERE, flash="data_quality.rule_saved")
    kind = rule.kind if rule else str(form.value("kind"))
    return await _shown(plugin, visit, form, kind if kind in KINDS else "required", rule, preview)


async def _shown(
    plugin: Plugin,
    visit: Visit,
    form: Form,
    kind: str,
    rule: OwnRule | None = None,
    preview: OwnPreview | None = None,
) -> dict[str, Any]:
    names = _names(visit, await OwnRules(plugin).fields(kind))
    return {
        "rule": form,
        "kind": kind,
        "kind_name": visit.say(KINDS[kind]),
        "title": _title(visit, rule) if rule else "",
        "fields": list(names.items()),
        "roles": _pairs(visit, ROLES),
        "preview": preview,
        "action": f"{HERE}/{rule.id}" if rule else f"{HERE}/new",
        "rules_root": HERE,
    }


async def _check_all(plugin: Plugin) -> None:
    """By a run that has not begun: one that goes on has looked at some without the change."""
    jobs = plugin.house.jobs
    await jobs.enqueue(NIGHTLY, unique=NIGHTLY)
    if (await jobs.latest(NIGHTLY, [NIGHTLY]))[NIGHTLY].state == "running":
        await jobs.enqueue(NIGHTLY, unique=f"{NIGHTLY} again")


def _names(visit: Visit, fields: list[tuple[str, str, str]]) -> dict[str, str]:
    return {
        field: visit.say(POINTS[field] if field in POINTS else Text(en=en, vi=vi))
        for field, en, vi in fields
    }


def _pairs(visit: Visit, texts: dict[str, Text]) -> list[tuple[str, str]]:
    return [(key, visit.say(text)) for key, text in texts.items()]


def _title(visit: Visit, rule: OwnRule) -> str:
    return visit.say(Text(en=rule.title_en, vi=rule.title_vi))


_SAYS = {
    "data_quality.rule_saved": Text(
        en="Saved. All records are being checked by it.",
        vi="Đã lưu. Mọi hồ sơ đang được kiểm tra theo quy tắc này.",
    ),
    "data_quality.rule_on": Text(en="Switched on.", vi="Đã bật."),
    "data_quality.rule_off": Text(
        en="Switched off; what it found goes away in a moment.",
        vi="Đã tắt; các lỗi do quy tắc tìm ra sẽ hết sau giây lát.",
    ),
    "data_quality.rule_remove": Text(
        en="Removed; what it found goes away in a moment.",
        vi="Đã xoá; các lỗi do quy tắc tìm ra sẽ hết sau giây lát.",
    ),
}
PAGES = [
    WebPage(
        id="data_quality.rules",
        path="/rules",
        title=Text(en="Own rules", vi="Quy tắc riêng"),
        permission=RULES,
        template="data_quality/own_rules.html",
        load=show_rules,
        act=switch_rule,
        says=_SAYS,
    ),
    WebPage(
        id="data_quality.rule_new",
        path="/rules/new",
        title=Text(en="New rule", vi="Quy tắc mới"),
        permission=RULES,
        template="data_quality/own_rules_form.html",
        load=show_new,
        act=make,
    ),
    WebPage(
        id="data_quality.rule",
        path="/rules/{rule:str}",
        title=Text(en="Own rule", vi="Quy tắc riêng"),
        permission=RULES,
        template="data_quality/own_rules_form.html",
        load=show_rule,
        act=change,
    ),
]
