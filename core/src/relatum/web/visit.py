"""What the functions of a plugin's pages are given: who looks, in which language, at what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from relatum.values.problems import RelatumError
from relatum.web import formats
from relatum.web.filters import filtered
from relatum.web.forms import Form, sent
from relatum.web.languages import Language, grouped, language_of
from relatum.web.reading import zone_here

if TYPE_CHECKING:
    from relatum.access.viewer import Viewer
    from relatum.app.house import House
    from relatum.hooks.context import Plugin
    from relatum.http.calls import Call
    from relatum.values.text import Text

T = TypeVar("T")


class Visit:
    """One look at a page, a panel or a figure.

    Rows are read for the viewer by themselves: what somebody does not see is not there.

    Attributes:
        plugin: whose page, panel or figure it is.
        house: the services.
        viewer: who looks.
        language: of the page.
        subject: what the page shows, for panels (a ``Customer`` on the page of one).
    """

    __slots__ = ("_call", "house", "language", "plugin", "subject", "viewer")

    def __init__(self, plugin: Plugin, house: House, viewer: Viewer, language: Language) -> None:
        self.plugin = plugin
        self.house = house
        self.viewer = viewer
        self.language: Language = language
        self.subject: Any = None
        self._call: Call | None = None

    @classmethod
    def of(cls, call: Call, plugin: Plugin, subject: Any = None) -> Visit:
        """The look that a request is."""
        visit = cls(plugin, call.house, call.viewer, language_of(call))
        visit.subject = subject
        visit._call = call
        return visit

    @property
    def call(self) -> Call:
        """The request.

        Raises:
            RuntimeError: there is none: a figure is written into a file by a job.
        """
        if self._call is None:
            raise RuntimeError("expected a visit by a request, got one by a job; ask for no call")
        return self._call

    @property
    def path(self) -> Mapping[str, Any]:
        """The parameters of the page's path."""
        parameters: Mapping[str, Any] = self.call.scope.get("path_params", {})
        return parameters

    @property
    def time_zone(self) -> str:
        """The company's: days and months of figures begin by it, whoever looks."""
        return self.house.settings.company.time_zone

    @property
    def currency(self) -> str:
        """The company's."""
        return self.house.settings.company.currency

    def may(self, permission: str) -> bool:
        """Whether the viewer holds a permission."""
        return self.viewer.may(permission)

    def say(self, text: Text) -> str:
        """A text in the language of the page."""
        return text.in_language(self.language)

    def text(self, message: str, /, **values: Any) -> str:
        """A message of the plugin's catalogue in the language of the page.

        Args:
            message: in English, as in the catalogue; ``%(name)s`` are holes for ``values``.
        """
        said = self.house.renderer.text(self.plugin.id, self.language).gettext(message)
        return said % values if values else said

    def query(self, kind: type[T]) -> tuple[Form, T]:
        """The filter in the address, and the form that shows it.

        Args:
            kind: a Struct whose fields all have defaults; they stand when the filter is unusable.
        """
        return filtered(self.call, kind)

    async def form(
        self, name: str, kind: type[T], values: Mapping[str, Any] | None = None
    ) -> tuple[Form, T | None]:
        """The form that was sent, and what it holds; ``None`` when it has to be shown again.

        Args:
            name: unique on the page; the template finds the form by it.
            values: what its fields hold that were not sent.
        """
        form = Form(name, values)
        try:
            return form, form.take(await sent(self.call), kind)
        except RelatumError as error:
            form.refuse(error)
            return form, None

    def day(self, when: dt.date) -> str:
        """``22/11/2026`` or ``22 Nov 2026``; of a moment, the day by the viewer's clock."""
        return formats.day(when, self.language, zone_here(self.house))

    def moment(self, when: dt.datetime) -> str:
        """A day and a time by the viewer's clock."""
        return formats.moment_text(when, self.language, zone_here(self.house))

    def money(self, amount: int, currency: str = "") -> str:
        """Minor units as people write them: ``12.500.000 ₫``."""
        return formats.money(amount, currency or self.currency, self.language)

    def number(self, number: int) -> str:
        """A whole number in groups of three."""
        return grouped(number, self.language)
