"""Somebody at a browser, and nobody in particular."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.tests.web.browsing import Browser, signed_in
from relatum.app.asgi import create_app
from relatum.app.house import House


@pytest.fixture
async def browser(core_house: House) -> AsyncIterator[Browser]:
    """An owner who has signed in."""
    browser = await signed_in(core_house)
    yield browser
    await browser.client.aclose()


@pytest.fixture
async def nobody(core_house: House) -> AsyncIterator[Browser]:
    """Somebody who has not signed in."""
    browser = Browser(core_house, create_app(core_house))
    yield browser
    await browser.client.aclose()
