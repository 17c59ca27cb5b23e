"""Templates as Jinja knows them: who they belong to decides in which catalogue they look.

Imported when the first page is rendered: commands that show none start without Jinja.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from jinja2 import BaseLoader, BytecodeCache, Environment, StrictUndefined, TemplateNotFound, nodes
from jinja2.compiler import CodeGenerator
from markupsafe import Markup

from relatum.web.static_files import icon_url
from relatum.web.template_filters import filters_in, globals_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2.bccache import Bucket
    from jinja2.compiler import Frame

    from relatum.web.languages import Language
    from relatum.web.rendering import Renderer

#: What templates call to say something in the language of the page.
SAYING = ("_", "gettext", "ngettext")
#: Seconds after which a template is looked for again: a page has a dozen of them.
LOOKED_AGAIN = 0.5
_BLANKS = re.compile(r"[ \t\n]{2,}")


class Loader(BaseLoader):
    """Finds templates, and brings the texts of whoever they belong to."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        path = None if ".." in template else self._renderer.path_of(template)
        if path is None:
            raise TemplateNotFound(template)
        changed = path.stat().st_mtime_ns
        looked = time.monotonic()

        def is_current() -> bool:
            nonlocal looked
            if time.monotonic() - looked < LOOKED_AGAIN:
                return True
            looked = time.monotonic()
            now = self._renderer.path_of(template)
            return now == path and path.stat().st_mtime_ns == changed

        return path.read_text(encoding="utf-8"), str(path), is_current


class _Speaking(CodeGenerator):
    """Has a template ask the catalogue of the plugin that it belongs to, and say no indents."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802
        """Calls of what speaks say as well for whom they speak."""
        prefix = (self.name or "").partition("/")[0]
        for call in node.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in SAYING:
                call.args.insert(0, nodes.Const(prefix))
        _without_indents(node)
        super().visit_Template(node, frame)


def _without_indents(template: nodes.Template) -> None:
    """One blank or end of a line for many in what a template says, but not in ``<pre>``."""
    kept = False
    for said in template.find_all(nodes.TemplateData):
        opened, closed = said.data.rfind("<pre"), said.data.rfind("</pre")
        if not kept and opened < 0:
            said.data = _BLANKS.sub(_one, said.data)
        if opened >= 0 or closed >= 0:
            kept = opened > closed


def _one(blanks: re.Match[str]) -> str:
    return "\n" if "\n" in blanks[0] else " "


class _Compiled(BytecodeCache):
    """What templates were compiled to, for all houses of a process and all languages."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what was kept."""
        held = self._held.get((bucket.key, bucket.checksum))
        if held is not None:
            bucket.bytecode_from_string(held)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._held[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


def environment_in(language: Language, renderer: Renderer) -> Environment:
    """Everything escaped, nothing undefined."""
    environment = Environment(
        loader=Loader(renderer),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_COMPILED,
        cache_size=-1,
    )
    environment.code_generator_class = _Speaking
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    environment.filters.update(filters_in(language))
    static = renderer.static
    environment.globals.update(_saying(renderer, language))
    environment.globals.update(globals_in(language), static_url=static.url, icon_url=icon_url)
    environment.globals["integrity"] = static.integrity
    return environment


def _saying(renderer: Renderer, language: Language) -> dict[str, Callable[..., Markup]]:
    """The functions that speak. Texts are ours; what is put into them is escaped."""

    def say(prefix: str, message: str, /, **values: Any) -> Markup:
        text = Markup(renderer.text(prefix, language).gettext(message))  # noqa: S704
        # most texts have no holes, and filling them is what takes the time
        return text % values if "%" in text else text

    def say_number(prefix: str, one: str, many: str, number: int, /, **values: Any) -> Markup:
        values.setdefault("num", number)
        text = renderer.text(prefix, language).ngettext(one, many, number)
        return Markup(text) % values  # noqa: S704

    return {"_": say, "gettext": say, "ngettext": say_number}
