"""What every application of a test run would work out again about the same handlers, once, and what
every house of a test run would leave behind, not kept.

Nearly every test opens a house and makes an application of some five hundred routes; more than half
of that time went into reading the same signatures. A process that serves makes one application, so
this belongs to tests alone. Whatever is not known by identity is worked out as always.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any

from litestar._kwargs import KwargsModel
from litestar._signature import SignatureModel
from litestar.utils.signature import ParsedSignature
from piccolo.conf.apps import AppConfig
from piccolo.table import TABLE_REGISTRY

from relatum.db import migrate
from relatum.hooks import routes as checked_routes
from relatum.plugins import tables as plugin_tables

#: Key → answer and everything that the key names by its identity, which nothing else may get then.
_Memory = dict[Hashable, tuple[Any, tuple[object, ...]]]


def remember() -> None:
    """From now on, in this process."""
    signatures: set[int] = set()
    _replace(ParsedSignature, "from_fn", _of_functions(ParsedSignature.from_fn, signatures))
    _replace(SignatureModel, "create", _of_signatures(SignatureModel.create, signatures))
    of_models = _of_models(KwargsModel.create_for_signature_model)
    _replace(KwargsModel, "create_for_signature_model", of_models)
    setattr(checked_routes, "_trial", _of_routes(checked_routes._trial))  # noqa: B010 - mypy
    setattr(plugin_tables, "_read", _of_plugins(plugin_tables._read))  # noqa: B010
    setattr(migrate, "_steps_of", _of_apps(migrate._steps_of))  # noqa: B010


def forget_copies() -> None:
    """Let go of the copies of tables that reading migrations makes: some thirty for every house
    that was opened, and whoever looks through all tables would look at all of them.
    """
    TABLE_REGISTRY[:] = [each for each in TABLE_REGISTRY if not _is_copy(each.__module__)]


def _is_copy(module: str) -> bool:
    return module in ("types", "<run_path>") or module.startswith("_relatum_migrations.")


def _replace(owner: type, name: str, function: Callable[..., Any]) -> None:
    setattr(owner, name, staticmethod(function))


def _of_functions(read: Callable[..., Any], signatures: set[int]) -> Callable[..., Any]:
    """Signatures of functions; those of functions made again by the same code are the same."""
    memory: _Memory = {}

    def from_fn(fn: Any, signature_namespace: dict[str, Any]) -> Any:
        if not isinstance(fn, FunctionType) or hasattr(fn, "__wrapped__"):
            return read(fn, signature_namespace)
        key = (id(fn.__code__), fn.__module__, _named(fn), _ids(signature_namespace))
        if key not in memory:
            found = read(fn, signature_namespace)
            memory[key] = found, (fn, dict(signature_namespace))
            signatures.add(id(found))
        return memory[key][0]

    return from_fn


def _named(fn: FunctionType) -> tuple[Hashable, ...]:
    hints = tuple([(k, v if isinstance(v, str) else id(v)) for k, v in fn.__annotations__.items()])
    return hints, tuple(map(id, fn.__defaults__ or ())), _ids(fn.__kwdefaults__ or {})


def _ids(values: dict[str, Any]) -> Hashable:
    return tuple([(name, id(value)) for name, value in values.items()])


def _of_signatures(create: Callable[..., Any], signatures: set[int]) -> Callable[..., Any]:
    """Models of the signatures that are remembered."""
    memory: _Memory = {}

    def model(
        dependency_name_set: set[str],
        fn: Any,
        parsed_signature: Any,
        type_decoders: Sequence[Any],
        data_dto: type[Any] | None = None,
    ) -> Any:
        given = (dependency_name_set, fn, parsed_signature, type_decoders, data_dto)
        if id(parsed_signature) not in signatures or type_decoders or data_dto:
            return create(*given)
        name, module = getattr(fn, "__name__", ""), getattr(fn, "__module__", "")
        key = (id(parsed_signature), frozenset(dependency_name_set), name, module)
        if key not in memory:
            memory[key] = create(*given), (parsed_signature,)
        return memory[key][0]

    return model


def _of_models(create: Callable[..., Any]) -> Callable[..., Any]:
    """What a route takes from a request, unless some of it comes from the application."""
    memory: _Memory = {}

    def kwargs_model(**given: Any) -> Any:
        model, paths = given["signature_model"], given["path_parameters"]
        if given["layered_parameters"] or given["dependencies"].keys() & model._fields.keys():
            return create(**given)
        key = (id(model), frozenset(paths), frozenset(given["dependencies"]))
        if key not in memory:
            memory[key] = create(**given), (model,)
        return memory[key][0]

    return kwargs_model


def _of_routes(attempt: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """What is wrong with the routes of a plugin when they are built alone."""
    memory: _Memory = {}

    def trial(plugin_id: str, routes: Sequence[Any]) -> Iterator[Any]:
        key = (plugin_id, *map(id, routes))
        if key not in memory:
            memory[key] = tuple(attempt(plugin_id, routes)), tuple(routes)
        yield from memory[key][0]

    return trial


def _of_plugins(read: Callable[[str], AppConfig]) -> Callable[[str], AppConfig]:
    """The tables of a plugin, whose migrations were looked at as they are."""
    memory: _Memory = {}

    def app_of(module: str) -> AppConfig:
        app = getattr(importlib.import_module(module), "APP_CONFIG", None)
        if not isinstance(app, AppConfig):
            return read(module)
        key = (id(app), _migrations_of(app))
        if key not in memory:
            memory[key] = read(module), (app,)
        found: AppConfig = memory[key][0]
        return found

    return app_of


def _of_apps(read: Callable[[AppConfig], list[Any]]) -> Callable[[AppConfig], list[Any]]:
    """The migrations of an app, as they are."""
    memory: _Memory = {}

    def steps_of(app: AppConfig) -> list[Any]:
        key = (id(app), _migrations_of(app))
        if key not in memory:
            memory[key] = read(app), (app,)
        return list(memory[key][0])

    return steps_of


def _migrations_of(app: AppConfig) -> Hashable:
    folder = Path(app.resolved_migrations_folder_path)
    files = [(path, path.stat()) for path in sorted(folder.glob("*.py"))]
    return tuple([(str(path), stat.st_mtime_ns, stat.st_size) for path, stat in files])
