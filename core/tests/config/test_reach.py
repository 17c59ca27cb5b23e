"""Settings of who reaches the server, and how often somebody may ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from relatum.config.load import load_settings
from relatum.config.settings import Limits
from relatum.values.problems import ConfigurationError

GOOD = """
[server]
public_url = "https://crm.example.com"
allowed_hosts = ["crm", "intern.example.com", "192.168.1.5", "2001:db8::7"]
trusted_proxies = ["10.0.0.1", "10.1.0.0/16", "2001:db8::/32"]
[limits]
token = 0
sign_in = 5
"""


def test_they_are_read(tmp_path: Path) -> None:
    file = tmp_path / "relatum.toml"
    file.write_text(GOOD)
    settings = load_settings(file, {})
    assert settings.server.public_url == "https://crm.example.com"
    assert settings.server.allowed_hosts[1] == "intern.example.com"
    assert len(settings.server.trusted_proxies) == 3
    assert settings.limits == Limits(token=0, account=1200, address=300, sign_in=5)


def test_they_come_from_the_environment_too(tmp_path: Path) -> None:
    env = {
        "RELATUM_HOME": str(tmp_path),
        "RELATUM_SERVER__ALLOWED_HOSTS": "crm,intern.example.com",
        "RELATUM_LIMITS__ADDRESS": "7",
    }
    settings = load_settings(None, env)
    assert settings.server.allowed_hosts == ["crm", "intern.example.com"]
    assert settings.limits.address == 7


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("server.public_url", '"crm.example.com"'),
        ("server.public_url", '"ftp://crm.example.com"'),
        ("server.public_url", '"https://crm.example.com/crm"'),
        ("server.public_url", '"https://crm.example.com?x=1"'),
        ("server.public_url", '"https://user:pw@crm.example.com"'),
        ("server.public_url", '"https://crm.example.com:99999"'),
        ("server.public_url", '"https://"'),
        ("server.allowed_hosts", '["crm.example.com:8000"]'),
        ("server.allowed_hosts", '["https://crm"]'),
        ("server.allowed_hosts", '["*"]'),
        ("server.allowed_hosts", '[""]'),
        ("server.trusted_proxies", '["proxy"]'),
        ("server.trusted_proxies", '["10.0.0.0/99"]'),
        ("limits.token", "-1"),
        ("limits.sign_in", "10000000"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, name: str, value: str) -> None:
    table, _, key = name.partition(".")
    file = tmp_path / "relatum.toml"
    file.write_text(f"[{table}]\n{key} = {value}\n")
    with pytest.raises(ConfigurationError) as refusal:
        load_settings(file, {})
    assert [problem.where for problem in refusal.value.problems] == [name]
    assert refusal.value.problems[0].mend
