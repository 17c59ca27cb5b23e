"""Litestar with what Relatum uses: Structs, and no other library's models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import Litestar
from litestar.plugins.core import MsgspecDIPlugin

if TYPE_CHECKING:
    from litestar.plugins import PluginProtocol


class PlainLitestar(Litestar):
    """Leaves out the support for pydantic and attrs that Litestar adds when they are installed.

    Piccolo brings pydantic along; importing it costs a fifth of a second and ten megabytes that
    nothing here uses. Should Litestar rename the method, only that is lost.
    """

    __slots__ = ()

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]
