"""Rendering templates of core, of plugins and of the site: everything escaped, nothing undefined.

A template is found by its full name: ``relatum/home.html`` is core's, ``spa/rooms.html`` the
plugin's, and a file of the same name in the site's own folder stands before both. What a template
says in a language is looked up in the catalogue of the one it belongs to, also when it extends or
includes a template of another.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from relatum.web.languages import Language, catalogue, translations
from relatum.web.static_files import StaticFiles

if TYPE_CHECKING:
    import gettext

    from jinja2 import Environment

    from relatum.hooks.registry import Registry

HERE = Path(__file__).parent
CORE_PREFIX = "relatum"


class Renderer:
    """Templates of one house.

    Args:
        registry: the plugins, for their folders.
        site: the folder in which a site keeps templates of its own, if it has one.

    Attributes:
        static: the files that the pages load.
    """

    def __init__(self, registry: Registry, site: Path | None = None) -> None:
        self._registry = registry
        self._site = site
        self._environments: dict[Language, Environment] = {}
        self._locales: dict[Path, Path] = {}
        self.static = StaticFiles(self.folder_of)

    def render(self, template: str, language: Language, /, **values: Any) -> str:
        """A page, or a part of one, in a language.

        Args:
            template: its full name, ``relatum/home.html``.

        Raises:
            TemplateNotFound: there is none of this name.
        """
        return self._environment(language).get_template(template).render(values)

    def text(self, plugin_id: str, language: Language) -> gettext.NullTranslations:
        """The texts of a plugin (or of core) in a language."""
        folder = self.folder_of(plugin_id)
        if plugin_id in (CORE_PREFIX, "core") or folder is None:
            return translations(language)
        locales = self._locales.get(folder)
        if locales is None:  # joining paths for each text of a page would take longer than the page
            locales = self._locales[folder] = folder / "locales"
        return catalogue(locales, language)

    def folder_of(self, plugin_id: str) -> Path | None:
        """The folder of a plugin's package."""
        plugin = self._registry.plugins.get(plugin_id)
        return None if plugin is None else plugin.folder

    def path_of(self, template: str) -> Path | None:
        """The file of a template, the site's own before any other."""
        prefix, _, name = template.partition("/")
        folder = self.folder_of(prefix)
        candidates = [self._site / template] if self._site is not None else []
        if prefix == CORE_PREFIX:
            candidates.append(HERE / "templates" / template)
        elif folder is not None:
            candidates.append(folder / "templates" / name)
        return next((path for path in candidates if path.is_file()), None)

    def _environment(self, language: Language) -> Environment:
        environment = self._environments.get(language)
        if environment is None:
            from relatum.web.environment import environment_in

            environment = self._environments[language] = environment_in(language, self)
        return environment
