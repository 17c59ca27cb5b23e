"""The contract test of the contact gate: nothing of a plugin reaches out but its ``relatum_send``.

The source is read, not run. Modules that can reach out (they import a library of sockets, HTTP or
SMTP, or start programs) may be used by the hook ``relatum_send`` alone: not by a route, page, job
or handler, where no permit of the gate is asked for.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

HOOK = "relatum_send"
#: Libraries that reach out, by the first names of their modules.
REACHING = frozenset(
    (
        *("aiohttp", "aiosmtplib", "anyio", "boto3", "ftplib", "grpc", "http.client", "httplib2"),
        *("httpx", "imaplib", "nntplib", "niquests", "paramiko", "poplib", "pycurl", "requests"),
        *("sendgrid", "slack_sdk", "smtplib", "socket", "socketserver", "ssl", "subprocess"),
        *("telegram", "telnetlib", "treq", "trio", "twilio", "twisted", "urllib.request"),
        *("urllib3", "websocket", "websockets", "xmlrpc"),
    )
)
#: Calls that reach out, or that hide which module they use.
CALLS = frozenset(
    (
        *("open_connection", "create_connection", "create_datagram_endpoint"),
        *("open_unix_connection", "sock_connect", "create_subprocess_exec"),
        *("create_subprocess_shell", "system", "popen", "import_module", "__import__"),
    )
)


def direct_contacts(package: Path) -> list[str]:
    """Every way in which a plugin could reach a provider past the gate, in words; empty is good.

    Args:
        package: the folder of the plugin's package, with its ``plugin.py``.

    Raises:
        FileNotFoundError: there is no ``plugin.py`` in it.
    """
    trees = {_name(path, package): _parsed(path) for path in sorted(package.rglob("*.py"))}
    if "plugin" not in trees:
        raise FileNotFoundError(f"expected plugin.py in {package}, got a folder without")
    root = package.name
    reaching = {name: found for name, tree in trees.items() if (found := sorted(_reaching(tree)))}
    graph = {name: set(_own_imports(tree, root, trees)) for name, tree in trees.items()}
    allowed = _behind_send(trees, graph, root)
    return [
        f"{root}.{name} reaches out ({', '.join(found)}) and is not used by {HOOK} alone; send "
        "through plugin.house.contact.outbox, and reach the provider from that hook"
        for name, found in sorted(reaching.items())
        if name not in allowed
    ]


def _behind_send(
    trees: Mapping[str, ast.Module], graph: Mapping[str, set[str]], root: str
) -> set[str]:
    """Modules that only the hook leads to."""
    used_by_hook: set[str] = set()
    used_elsewhere: set[str] = set()
    imported = dict(_names(trees["plugin"], root, trees))
    for node in trees["plugin"].body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        used = {imported[name] for name in _used(node) if name in imported}
        is_hook = isinstance(node, ast.AsyncFunctionDef) and node.name == HOOK
        (used_by_hook if is_hook else used_elsewhere).update(used)
    # a module that nothing of plugin.py leads to may be anybody's
    loose = set(trees) - {"plugin"} - _closure(used_by_hook | used_elsewhere, graph)
    return _closure(used_by_hook, graph) - _closure(used_elsewhere | loose, graph)


def _closure(names: set[str], graph: Mapping[str, set[str]]) -> set[str]:
    found, left = set(names), list(names)
    while left:
        for each in graph.get(left.pop(), set()) - found:
            found.add(each)
            left.append(each)
    return found


def _names(
    tree: ast.AST, root: str, modules: Mapping[str, ast.Module]
) -> Iterator[tuple[str, str]]:
    """Names that a module has from others of its package, and which ones those are."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = _inside(node, root)
            if base is None:
                continue
            for alias in node.names:
                whole = f"{base}.{alias.name}".strip(".")
                target = whole if whole in modules else base
                if target in modules:
                    yield alias.asname or alias.name, target
        elif isinstance(node, ast.Import):
            for alias in node.names:
                inner = alias.name.removeprefix(f"{root}.")
                if alias.name.startswith(f"{root}.") and inner in modules:
                    yield alias.asname or root, inner


def _inside(node: ast.ImportFrom, root: str) -> str | None:
    """The module of the package that is imported from, or None for one of another package."""
    module = node.module or ""
    if node.level:
        return module
    if module == root:
        return ""
    return module.removeprefix(f"{root}.") if module.startswith(f"{root}.") else None


def _own_imports(tree: ast.Module, root: str, modules: Mapping[str, ast.Module]) -> Iterator[str]:
    yield from (module for _, module in _names(tree, root, modules))


def _reaching(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _reaches(alias.name))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            wholes = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (whole for whole in wholes if _reaches(whole))
        elif isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in CALLS:
                yield f"{name}()"


def _reaches(module: str) -> bool:
    parts = module.split(".")
    return any(".".join(parts[: n + 1]) in REACHING for n in range(len(parts)))


def _used(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=path.name)


def _name(path: Path, package: Path) -> str:
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
