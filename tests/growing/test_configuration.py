"""What the guide says to write into files is what the programs take."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from relatum.config.load import load_settings
from tests.growing.programs import GUIDE, configuration, program

PAGE = GUIDE.with_suffix(".md")
SHOWN = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_configuration_for_all_processes() -> None:
    settings = load_settings(GUIDE / "relatum.toml", {})
    assert settings.server.trusted_proxies == ["10.0.0.10"]
    checks = re.search(r"check inter (\d+)ms", configuration("haproxy.cfg"))
    assert checks is not None
    assert settings.shutdown.delay >= 2 * int(checks[1]) / 1000


def test_there_are_parts_to_check() -> None:
    assert len(SHOWN) >= 3


@pytest.mark.parametrize("shown", SHOWN)
def test_each_part_that_the_page_shows(shown: str, tmp_path: Path) -> None:
    file = tmp_path / "relatum.toml"
    file.write_text(shown, encoding="utf-8")
    assert load_settings(file, {}).postgresql.pool_size == 10


@pytest.mark.postgres
def test_haproxy_finds_nothing_wrong(tmp_path: Path) -> None:
    certificate = " ssl crt /etc/haproxy/crm.example.com.pem alpn h2,http/1.1"
    file = tmp_path / "haproxy.cfg"
    file.write_text(configuration("haproxy.cfg", (certificate, "")), encoding="utf-8")
    checked = subprocess.run(
        [program("haproxy", "haproxy"), "-c", "-f", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    said = checked.stdout + checked.stderr
    assert checked.returncode == 0, said
    assert "WARNING" not in said
