"""Every address that an application answers, found out from what it mounted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from relatum.http.queries import parameter_names
from tests.structure.repository import Problem

_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")
_QUIET = {"OPTIONS", "HEAD"}
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class Address:
    """A method and a path, ``{parameter}`` where it has one.

    Attributes:
        permission: what the route asks for.
        page: it answers people with HTML, not programs with JSON.
        query: names of the query parameters of a list.
    """

    method: str
    path: str
    permission: str
    page: bool = False
    query: tuple[str, ...] = ()

    @property
    def parameters(self) -> list[str]:
        return _PARAMETER.findall(self.path)

    def filled(self, values: Mapping[str, str]) -> str:
        """The path with values in the place of parameters."""
        return _PARAMETER.sub(lambda found: values[found[1]], self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def addresses(app: Any) -> list[Address]:
    """All of them, also of plugins, by path."""
    found = [
        Address(
            method=method,
            path=_PARAMETER.sub(r"{\1}", route.path),
            permission=handler.opt["permission"],
            page=bool(handler.opt.get("page")),
            query=tuple(_query(handler.opt)),
        )
        for route in app.routes
        for handler in route.route_handlers
        for method in sorted(set(handler.http_methods) - _QUIET)
    ]
    return sorted(found, key=lambda each: (each.path, each.method))


def _query(opt: Mapping[str, Any]) -> Iterator[str]:
    kind = opt.get("query")
    if isinstance(kind, type):
        yield from (name for name in parameter_names(kind) if name not in opt.get("fixed", ()))


def without_case(
    found: Iterable[Address],
    *,
    parameters: Iterable[tuple[str, str]],
    bodies: Iterable[tuple[str, str]],
) -> list[Problem]:
    """Addresses that the matrix cannot fill in.

    Args:
        parameters: (prefix of the path, name) of those that have values.
        bodies: (method, path) of those that have a body, or are known to need none.
    """
    known, written = set(parameters), set(bodies)
    problems = []
    for each in found:
        problems += [
            Problem(str(each), f"has no values for {{{name}}} in cases.py")
            for name in each.parameters
            if not any(each.path.startswith(prefix) for prefix, one in known if one == name)
        ]
        if each.method in UNSAFE and (each.method, each.path) not in written:
            problems.append(Problem(str(each), "has no body in cases.py"))
    return problems
