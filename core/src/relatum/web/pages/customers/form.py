"""The form of a customer: rows of contact points, a control for each custom field.

Rows of contact points are ``point-<n>-kind``, ``-raw``, ``-label`` and ``-primary``; custom fields
``field-<key>``. A button that is no more than a change of the form itself (one more row, one less)
is called ``do`` and works without scripts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from relatum.customers.types import MOST_TAGS, ContactKind, CustomerKind, Role
from relatum.values.ids import parse_id
from relatum.values.problems import InvalidInput, Problem
from relatum.web.forms import Form
from relatum.web.pages.customers.typed import MOST_POINTS, Typed, TypedPoint

if TYPE_CHECKING:
    from relatum.values.problems import RelatumError
    from relatum.web.forms import Pairs

NAME = "customer"
FIELD = "field-"
CHOOSE = "choose-"
_POINT = re.compile(r"point-(\d{1,3})-(kind|raw|label|primary)")
_VERSION = re.compile(r"[0-9]{1,18}")
_DO = re.compile(r"save|anyway|add-point|remove-point-\d{1,3}")
_PLAIN = frozenset(
    {"display_name", "kind", "roles", "tags", "owner", "team", "version", "base", "do", "seen"}
)
MINE, THEIRS = "mine", "theirs"
LONGEST = 10_000


class CustomerForm(Form):
    """What somebody typed about a customer, and what is wrong with it.

    Attributes:
        typed: what the fields hold.
        version: of the customer that the form was made from; 0 for a new one.
        base: what the form held when it was made; ``None`` when that was not sent along.
        do: what the button that was pressed asks for.
        seen: ids of customers that were shown as possibly the same.
    """

    def __init__(self, typed: Typed, *, version: int = 0, base: Typed | None = None) -> None:
        super().__init__(NAME)
        self.typed = typed
        self.version = version
        self.base = base
        self.do = ""
        self.seen: set[str] = set()
        self._rows: list[int] = []
        self._fields = ["display_name", "kind", "roles", "tags", "owner", "team"]

    # -- for templates ---------------------------------------------------------------------------

    def value(self, field: str) -> Any:
        """What a field holds, for showing."""
        if field.startswith(FIELD):
            return self.typed.fields.get(field.removeprefix(FIELD), "")
        if field == "tags":
            return ", ".join(self.typed.tags)
        row = _POINT.fullmatch(field)
        if row is not None:
            return getattr(self.rows[int(row[1])], row[2])
        return getattr(self.typed, field, "")

    def chosen(self, field: str, value: object) -> bool:
        """Whether a box or an option is chosen."""
        held = self.typed.roles if field == "roles" else self.value(field)
        return value in held if isinstance(held, list) else str(held) == str(value)

    @property
    def rows(self) -> list[TypedPoint]:
        """The rows of contact points, an empty one behind them where there is room."""
        blank = [TypedPoint(kind=_next_kind(self.typed.points))]
        room = len(self.typed.points) < MOST_POINTS
        return [*self.typed.points, *(blank if room else [])]

    @property
    def base_text(self) -> str:
        """The base as a hidden field holds it."""
        return msgspec.json.encode(self.base or self.typed).decode()

    # -- reading ---------------------------------------------------------------------------------

    @classmethod
    def read(cls, pairs: Pairs) -> CustomerForm:
        """The form as it was sent; what cannot be a customer is among its problems."""
        form = cls(Typed())
        given: dict[str, list[str]] = {}
        for name, text in pairs:
            given.setdefault(name, []).append(text[:LONGEST])
        form.typed = Typed(
            display_name=_one(given, "display_name"),
            kind=_one(given, "kind"),
            points=form._points(given),
            roles=list(dict.fromkeys(given.get("roles", []))),
            tags=_words(_one(given, "tags")),
            fields={
                name.removeprefix(FIELD): texts[0].strip()
                for name, texts in given.items()
                if name.startswith(FIELD) and texts[0].strip()
            },
            owner=_one(given, "owner"),
            team=_one(given, "team"),
        )
        version = _one(given, "version")
        form.version = int(version) if _VERSION.fullmatch(version) else 0
        form.base = _base(_one_long(pairs, "base"))
        do = _one(given, "do")
        form.do = do if _DO.fullmatch(do) else "save"
        form.seen = set(given.get("seen", []))
        form._choose(given)
        form._keep_commas()
        form._fields += [name for name in given if name.startswith(FIELD)]
        form._refuse_foreign(given)
        return form

    def _points(self, given: Mapping[str, list[str]]) -> list[TypedPoint]:
        rows: dict[int, dict[str, str]] = {}
        for name, texts in given.items():
            found = _POINT.fullmatch(name)
            if found is not None:
                rows.setdefault(int(found[1]), {})[found[2]] = texts[0].strip()
        filled = [(n, row) for n, row in sorted(rows.items()) if row.get("raw") or row.get("label")]
        self._rows = [n for n, _ in filled]
        return [
            TypedPoint(
                kind=row.get("kind", "other"),
                raw=row.get("raw", ""),
                label=row.get("label", ""),
                primary=bool(row.get("primary")),
            )
            for _, row in filled
        ]

    def _choose(self, given: Mapping[str, list[str]]) -> None:
        """Take the stored value where somebody chose it; the base is what is stored."""
        if self.base is None:
            return
        for name in [name for name in given if name.startswith(CHOOSE)]:
            field = name.removeprefix(CHOOSE)
            if given[name][0] != THEIRS:
                continue
            if field.startswith(FIELD):
                key = field.removeprefix(FIELD)
                fields = {**self.typed.fields, key: self.base.fields.get(key, "")}
                self.typed = msgspec.structs.replace(
                    self.typed, fields={k: text for k, text in fields.items() if text}
                )
            elif field in ("display_name", "kind", "owner", "team"):
                value = getattr(self.base, field)
                self.typed = msgspec.structs.replace(self.typed, **{field: value})

    def _keep_commas(self) -> None:
        """Tags that were left as they were shown are those that were there, commas and all."""
        if self.base is not None and self.typed.tags == _words(", ".join(self.base.tags)):
            self.typed = msgspec.structs.replace(self.typed, tags=self.base.tags)

    def _refuse_foreign(self, given: Mapping[str, list[str]]) -> None:
        """Note what no control of the form could have sent."""
        problems = [
            Problem(
                code="unknown-field",
                message="there is no such field in this form",
                where=f"/{name[:60]}",
                mend="Open the form again.",
            )
            for name in given
            if name not in _PLAIN
            and not name.startswith((FIELD, CHOOSE))
            and not _POINT.fullmatch(name)
        ]
        problems += _choices(self.typed)
        if "\0" in "".join(text for texts in given.values() for text in texts):
            problems.append(
                Problem(code="bad-character", message="a character cannot be stored", where="/")
            )
        if problems:
            self.refuse(InvalidInput("The form cannot be accepted yet.", problems=problems))

    def refuse(self, error: RelatumError, *, renamed: Mapping[str, str] | None = None) -> None:
        """Note what is wrong; problems of contact points and custom fields find their controls."""
        problems = [
            msgspec.structs.replace(problem, where=f"/{self._control(problem.where)}")
            for problem in error.problems
        ]
        controls = [p.where.strip("/") for p in problems if p.where.startswith("/point-")]
        self._fields += [name for name in controls if name not in self._fields]
        kept = error.problems
        error.problems = tuple(problems)
        super().refuse(error, renamed=renamed)
        error.problems = kept

    def _control(self, where: str) -> str:
        parts = where.strip("/").split("/")
        if parts[0] == "contact_points" and len(parts) > 1 and parts[1].isdigit():
            part = parts[2] if len(parts) > 2 else "raw"
            return f"point-{parts[1]}-{part}"
        if parts[0] == "fields" and len(parts) > 1:
            return f"{FIELD}{parts[1]}"
        return parts[0]

    # -- changing the form itself ----------------------------------------------------------------

    @property
    def rearranges(self) -> bool:
        """Whether the button asked for another row, or one less, and nothing to be saved."""
        return self.do.startswith(("add-", "remove-"))

    def rearrange(self) -> None:
        """Do what the button asked for; problems are looked for when it is saved."""
        number = self.do.removeprefix("remove-point-")
        if number.isdigit():
            points = [
                point
                for n, point in zip(self._rows, self.typed.points, strict=True)
                if n != int(number)
            ]
            self.typed = msgspec.structs.replace(self.typed, points=points)
        self.status, self.error, self._problems = 200, None, {}


def _choices(typed: Typed) -> list[Problem]:
    wrong = [
        ("kind", typed.kind not in get_args(CustomerKind)),
        ("roles", not set(typed.roles) <= set(get_args(Role))),
        ("owner", not _is_id(typed.owner)),
        ("team", not _is_id(typed.team)),
        *(
            (f"contact_points/{n}/kind", point.kind not in get_args(ContactKind))
            for n, point in enumerate(typed.points)
        ),
    ]
    missing = [
        Problem(
            code="missing",
            message="there is a label and nothing that it is for",
            where=f"/contact_points/{n}/raw",
            mend="Fill it in, or remove the row.",
        )
        for n, point in enumerate(typed.points)
        if not point.raw
    ]
    many = [
        Problem(
            code="too-many",
            message="there are too many of them",
            where=f"/{where}",
            expected=f"at most {most}",
            mend="Remove some.",
        )
        for where, count, most in (
            ("tags", len(typed.tags), MOST_TAGS),
            (f"contact_points/{MOST_POINTS}/raw", len(typed.points), MOST_POINTS),
        )
        if count > most
    ]
    return [*missing, *many] + [
        Problem(
            code="wrong-value",
            message="this is none of the choices",
            where=f"/{where}",
            expected="one of the list",
            mend="Choose one of the list.",
        )
        for where, bad in wrong
        if bad
    ]


def _is_id(text: str) -> bool:
    try:
        return not text or bool(parse_id(text, "account"))
    except InvalidInput:
        return False


def _one(given: Mapping[str, list[str]], name: str) -> str:
    return given[name][0].strip() if name in given else ""


def _one_long(pairs: Pairs, name: str) -> str:
    return next((text for other, text in pairs if other == name), "")


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(word for each in text.split(",") if (word := each.strip())))


def _base(text: str) -> Typed | None:
    try:
        return msgspec.json.decode(text, type=Typed) if text else None
    except msgspec.DecodeError:
        return None


def _next_kind(points: Sequence[TypedPoint]) -> str:
    """What an empty row offers: what is missing most."""
    there = {point.kind for point in points}
    return next((kind for kind in ("phone", "email", "address") if kind not in there), "phone")
