"""The contract test of the contact gate finds each way past it, and lets the right way be."""

from __future__ import annotations

from pathlib import Path

import pytest

from relatum_sdk.contacts import direct_contacts

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"

SEND = """
from relatum.api import hookimpl
from relatum_spa.sending import send

@hookimpl
async def relatum_send(plugin, parcels):
    return await send(parcels)
"""
JOBS = """
from relatum_spa.jobs import JOBS

@hookimpl
def relatum_register_jobs(plugin):
    return JOBS
"""


def package(folder: Path, **modules: str) -> Path:
    made = folder / "relatum_spa"
    made.mkdir()
    for name, text in modules.items():
        (made / f"{name}.py").write_text(text, encoding="utf-8")
    return made


def test_the_hook_may_reach_out(tmp_path: Path) -> None:
    spa = package(
        tmp_path, plugin=SEND, sending="from relatum_spa.wire import open_it", wire="import socket"
    )
    assert direct_contacts(spa) == []


@pytest.mark.parametrize(
    "text",
    [
        "import smtplib",
        "import smtplib as post",
        "from urllib import request",
        "import urllib.request",
        "from http.client import HTTPSConnection",
        "def go():\n    import httpx",
        "import asyncio\nasync def go():\n    await asyncio.open_connection('a', 25)",
        "import subprocess",
        "import importlib\nhidden = importlib.import_module('smtp' + 'lib')",
    ],
)
def test_a_job_that_calls_a_provider_is_found(tmp_path: Path, text: str) -> None:
    (found,) = direct_contacts(package(tmp_path, plugin=SEND + JOBS, sending="", jobs=text))
    assert found.startswith("relatum_spa.jobs reaches out (")


def test_a_job_that_borrows_from_the_hook_is_found(tmp_path: Path) -> None:
    jobs = "from relatum_spa.sending import send\nJOBS = [send]"
    spa = package(tmp_path, plugin=SEND + JOBS, sending="import aiosmtplib", jobs=jobs)
    (found,) = direct_contacts(spa)
    assert found.startswith("relatum_spa.sending")


def test_a_relative_import_does_not_hide_it(tmp_path: Path) -> None:
    jobs = "from .sending import send\nJOBS = [send]"
    assert direct_contacts(
        package(tmp_path, plugin=SEND + JOBS, sending="import aiosmtplib", jobs=jobs)
    )


def test_a_plugin_without_the_hook_reaches_nobody(tmp_path: Path) -> None:
    assert direct_contacts(package(tmp_path, plugin="import socket"))


def test_a_module_that_nothing_leads_to_is_anybodys(tmp_path: Path) -> None:
    assert direct_contacts(package(tmp_path, plugin="", loose="import requests"))


def test_reading_addresses_is_not_reaching_out(tmp_path: Path) -> None:
    text = "from urllib.parse import urlsplit\nfrom http import HTTPStatus"
    assert direct_contacts(package(tmp_path, plugin=text)) == []


def test_a_folder_without_a_plugin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"plugin\.py"):
        direct_contacts(tmp_path)


def test_g9_no_plugin_of_the_repository_goes_past_the_gate() -> None:
    packages = [path.parent for path in sorted(PLUGINS.glob("*/src/*/plugin.py"))]
    assert len(packages) >= 3
    assert "relatum_email_channel" in {path.name for path in packages}
    assert {path.name: direct_contacts(path) for path in packages if direct_contacts(path)} == {}
