"""The plain page."""

from typing import Any

ROUTES: list[Any] = []
