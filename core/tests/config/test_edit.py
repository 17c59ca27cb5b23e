import tomllib
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from relatum.config import edit
from relatum.config.edit import set_plugin_enabled
from relatum.config.load import load_settings
from relatum.values.problems import ConfigurationError, InvalidInput

COMMENTED = """\
# The CRM of Hoa Sen
database = "sqlite:///crm.db"   # on the fast disk

[plugins]
# what we sell with
enabled = [
  "sales_pipeline",  # since May
  "rfm",
]

[plugins.sales_pipeline]
rotting_days = 14  # two weeks

[log]
level = "debug"
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "relatum.toml"


def test_switching_off_and_on_keeps_everything_else(file):
    file.write_text(COMMENTED)
    assert set_plugin_enabled(file, "rfm", False)
    text = file.read_text()
    for kept in ("# The CRM of Hoa Sen", "# on the fast disk", "# since May", "# two weeks"):
        assert kept in text
    assert text.index("[plugins]") < text.index("[plugins.sales_pipeline]") < text.index("[log]")
    assert tomllib.loads(text)["plugins"]["enabled"] == ["sales_pipeline"]
    assert not load_settings(file, {}).plugins.allows("rfm")
    assert set_plugin_enabled(file, "rfm", True)
    settings = load_settings(file, {})
    assert settings.plugins.allows("rfm")
    assert settings.plugins.disabled == []
    assert settings.plugin_settings == {"sales_pipeline": {"rotting_days": 14}}


def test_without_a_list_of_enabled_plugins_none_is_made(file):
    file.write_text("[server]\nport = 1\n")
    assert not set_plugin_enabled(file, "rfm", True)
    assert set_plugin_enabled(file, "rfm", False)
    assert tomllib.loads(file.read_text())["plugins"] == {"disabled": ["rfm"]}
    assert set_plugin_enabled(file, "rfm", True)
    assert load_settings(file, {}).plugins.allows("other")


def test_a_missing_file_is_created(tmp_path):
    file = tmp_path / "new" / "relatum.toml"
    assert set_plugin_enabled(file, "rfm", False)
    assert load_settings(file, {}).plugins.disabled == ["rfm"]


def test_nothing_is_written_when_nothing_changes(file):
    file.write_text('[plugins]\ndisabled = ["rfm"]\n')
    before = file.stat().st_mtime_ns, file.stat().st_ino
    assert not set_plugin_enabled(file, "rfm", False)
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before


def test_permissions_and_links_stay(tmp_path, file):
    file.write_text("")
    file.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    set_plugin_enabled(link, "rfm", False)
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
    assert "rfm" in file.read_text()


def test_line_ends_of_windows_stay(file):
    file.write_bytes(b'# a\r\n[plugins]\r\nenabled = ["a"]\r\n')
    set_plugin_enabled(file, "b", True)
    assert file.read_bytes() == b'# a\r\n[plugins]\r\nenabled = ["a", "b"]\r\n'


def test_a_crash_while_writing_leaves_the_old_file(file, monkeypatch):
    file.write_text(COMMENTED)

    def crash(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(edit.os, "fsync", crash)
    with pytest.raises(ConfigurationError, match="No space left"):
        set_plugin_enabled(file, "rfm", False)
    assert file.read_text() == COMMENTED
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    "text",
    [
        "[plugins.rfm]\nbins = 5\n[server]\nport = 1\n[plugins.zalo]\ntoken = 'x'\n",
        'plugins = { enabled = ["rfm", "zalo"] }\n',
        'plugins.enabled = ["rfm"]\nplugins.zalo.token = "x"\n',
        '[plugins]\nenabled = ["rfm", "rfm"]\n',
        "[plugins.rfm]\nbins = 5",
        "# only a comment",
    ],
)
def test_every_way_to_write_it(file, text):
    file.write_text(text)
    expected = tomllib.loads(text).get("plugins", {})
    set_plugin_enabled(file, "rfm", False)
    plugins = tomllib.loads(file.read_text())["plugins"]
    assert plugins.pop("disabled") == ["rfm"]
    assert "rfm" not in plugins.pop("enabled", [])
    expected.pop("enabled", None)
    assert plugins == expected


@pytest.mark.parametrize(
    "text",
    [
        *("[plugins", "plugins = 1", '[plugins]\ndisabled = "rfm"', "[[plugins]]\nx = 1"),
        "[plugins.disabled]\nx = 1",
    ],
)
def test_what_cannot_be_edited_is_left_alone(file, text):
    file.write_text(text)
    with pytest.raises(ConfigurationError, match="cannot be changed"):
        set_plugin_enabled(file, "rfm", False)
    assert file.read_text() == text


@pytest.mark.parametrize("plugin_id", ["", "Sales", "sales-pipeline", "a b", '"x"', "a\n", "../x"])
def test_only_plugin_ids(file, plugin_id):
    with pytest.raises(InvalidInput, match="id of a plugin"):
        set_plugin_enabled(file, plugin_id, False)
    assert not file.exists()


ids = st.sampled_from(["a", "b", "c", "sales_pipeline"])


@given(
    st.lists(ids, unique=True) | st.none(),
    st.lists(ids, unique=True),
    st.lists(st.tuples(ids, st.booleans()), max_size=8),
)
def test_the_last_word_on_each_plugin_holds(tmp_path_factory, enabled, disabled, switches):
    file: Path = tmp_path_factory.mktemp("edit") / "relatum.toml"
    lists = {"disabled": disabled} | ({} if enabled is None else {"enabled": enabled})
    file.write_text(tomlkit.dumps({"plugins": lists}))
    before = load_settings(file, {}).plugins
    for plugin_id, on in switches:
        set_plugin_enabled(file, plugin_id, on)
    after = load_settings(file, {}).plugins
    last = dict(switches)
    for plugin_id in ("a", "b", "c", "sales_pipeline"):
        expected = last.get(plugin_id, before.allows(plugin_id))
        assert after.allows(plugin_id) == expected
