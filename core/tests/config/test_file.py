"""The settings file of a running installation: whether and how it can be changed."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relatum.config.edit import set_values
from relatum.config.file import SettingsFile
from relatum.config.settings import Company, Settings
from relatum.values.problems import ConfigurationError, Conflict, InvalidInput

OURS = '# the CRM of Hoa Sen\n[company]\nname = "Hoa Sen" # on the door\n\n[log]\nlevel = "debug"\n'
LINES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=40)


@pytest.fixture
def file(tmp_path: Path) -> SettingsFile:
    (tmp_path / "relatum.toml").write_text(OURS)
    return SettingsFile(tmp_path / "relatum.toml", {})


@pytest.fixture
def settings(file: SettingsFile, tmp_path: Path) -> Settings:
    return file.load(Settings(home=tmp_path))


def changed(settings: Settings, **values: str) -> Company:
    return msgspec.structs.replace(settings.company, **values)


def test_only_what_changed_is_written(file: SettingsFile, settings: Settings) -> None:
    assert file.set_company(settings, changed(settings, currency="USD"))
    text = file.path.read_text()
    assert "# on the door" in text
    assert text.startswith("# the CRM")
    assert tomllib.loads(text)["company"] == {"name": "Hoa Sen", "currency": "USD"}
    again = file.load(settings)
    assert again.company.currency == "USD"
    assert not file.set_company(again, again.company)
    assert file.path.read_text() == text


@pytest.mark.parametrize(
    ("field", "value"), [("country", "XX"), ("time_zone", "Mars/Base"), ("currency", "VNX")]
)
def test_what_no_company_has_is_refused(
    file: SettingsFile, settings: Settings, field: str, value: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        file.set_company(settings, changed(settings, **{field: value}))
    assert [each.where for each in refused.value.problems] == [f"/{field}"]
    assert file.path.read_text() == OURS


def test_the_environment_comes_first(file: SettingsFile, settings: Settings) -> None:
    file = SettingsFile(file.path, {"RELATUM_COMPANY__NAME": "Sao Mai", "RELATUM_LOG__LEVEL": " "})
    assert file.decided("company", ("name", "country")) == {"name"}
    assert file.decided("log", ("level",)) == set()
    with pytest.raises(Conflict):
        file.set_company(settings, changed(settings, name="Khác"))
    assert file.set_company(settings, changed(settings, currency="EUR"))
    assert file.load(settings).company.name == "Sao Mai"


@pytest.mark.parametrize(
    "text", ["[company", "company = 3\n", '[company]\nname = "a"\nname = "b"\n']
)
def test_a_broken_file_is_left_alone(file: SettingsFile, settings: Settings, text: str) -> None:
    file.path.write_text(text)
    with pytest.raises(ConfigurationError):
        file.set_company(settings, changed(settings, name="Khác"))
    assert file.path.read_text() == text


def test_a_file_that_cannot_be_written_says_so(
    file: SettingsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert file.refusal() == ""
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != file.path.resolve())
    assert str(file.path.resolve()) in file.refusal()
    missing = SettingsFile(file.path.parent / "none" / "relatum.toml", {})
    assert "none" in missing.refusal()


@given(name=LINES, before=LINES)
def test_any_text_comes_back_and_comments_stay(
    tmp_path_factory: pytest.TempPathFactory, name: str, before: str
) -> None:
    path = tmp_path_factory.mktemp("any") / "relatum.toml"
    set_values(path, "company", {"name": before})
    path.write_bytes(b"# kept\n" + path.read_bytes() + b"\n[log] # also kept\n")
    assert set_values(path, "company", {"name": name}) == (name != before)
    text = path.read_bytes().decode()
    assert tomllib.loads(text)["company"]["name"] == name
    assert "# kept" in text
    assert "# also kept" in text
