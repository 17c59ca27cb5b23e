from pathlib import Path

import pytest

from relatum.config.load import find_file, load_settings, variable_names
from relatum.config.settings import Settings, redact_url
from relatum.values.problems import ConfigurationError


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write ``relatum.toml`` into an empty folder that is also the working folder."""
    monkeypatch.chdir(tmp_path)

    def _write(text: str) -> Path:
        path = tmp_path / "relatum.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return _write


def problems_of(path, env=None):
    with pytest.raises(ConfigurationError) as refusal:
        load_settings(path, {"HOME": "/nowhere"} | (env or {}))
    return {problem.where.rpartition(", ")[2]: problem for problem in refusal.value.problems}


FULL = """
home = "data"
database = "postgresql://crm:s3cret@db.example/crm"
durability = "normal"
strict_plugins = true
safe_mode = false

[server]
host = "0.0.0.0"
port = 9000
max_body_bytes = 1048576
request_timeout = 5

[company]
name = "Công ty Hoa Sen"
country = "US"
time_zone = "America/New_York"
currency = "USD"
language = "en"

[log]
level = "debug"
format = "json"

[plugins]
enabled = ["sales_pipeline", "rfm"]
disabled = ["rfm"]

[plugins.sales_pipeline]
rotting_days = 14
stages = [{ name = "new" }]
"""


def test_every_setting_of_the_file_arrives(write, tmp_path):
    settings = load_settings(write(FULL), {})
    assert settings.home == tmp_path / "data"
    assert settings.database == "postgresql://crm:s3cret@db.example/crm"
    assert settings.sqlite_path is None
    assert (settings.durability, settings.strict_plugins) == ("normal", True)
    assert (settings.server.host, settings.server.port) == ("0.0.0.0", 9000)  # noqa: S104 - a value
    assert (settings.server.max_body_bytes, settings.server.request_timeout) == (1048576, 5.0)
    assert settings.company.name == "Công ty Hoa Sen"
    assert settings.company.time_zone == "America/New_York"
    assert (settings.log.level, settings.log.format) == ("debug", "json")
    assert settings.plugin_settings == {
        "sales_pipeline": {"rotting_days": 14, "stages": [{"name": "new"}]}
    }
    assert settings.plugins.allows("sales_pipeline")
    assert not settings.plugins.allows("rfm")
    assert not settings.plugins.allows("idic_model")


def test_defaults(write, tmp_path):
    settings = load_settings(write(""), {})
    assert settings == Settings(home=tmp_path)
    assert settings.database == f"sqlite:///{tmp_path}/relatum.sqlite3"
    assert settings.sqlite_path == tmp_path / "relatum.sqlite3"
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8000)
    assert settings.server.max_body_bytes == 16 * 2**20
    assert settings.durability == "full"
    assert (settings.company.currency, settings.company.language) == ("VND", "vi")
    assert settings.plugins.enabled is None
    assert settings.plugins.allows("anything")


def test_traces_are_on_off_or_not_said(write, tmp_path):
    assert load_settings(write(""), {}).traces.on is None
    assert load_settings(write("[traces]\non = false"), {}).traces.on is False
    assert load_settings(write(""), {"RELATUM_TRACES__ON": "yes"}).traces.on is True
    found = problems_of(write('[traces]\non = "perhaps"'))
    assert set(found) == {"traces.on"}


def test_a_relative_database_file_is_in_home(write, tmp_path):
    settings = load_settings(write('database = "sqlite:///crm.db"'), {})
    assert settings.sqlite_path == tmp_path / "crm.db"


def test_the_environment_wins(write, tmp_path):
    settings = load_settings(
        write(FULL),
        {
            "RELATUM_HOME": str(tmp_path / "elsewhere"),
            "RELATUM_PORT": "8123",
            "RELATUM_HOST": "::1",
            "RELATUM_DATABASE": "sqlite:///x.db",
            "RELATUM_SAFE_MODE": "1",
            "RELATUM_STRICT_PLUGINS": "off",
            "RELATUM_LOG__LEVEL": "error",
            "RELATUM_SERVER__REQUEST_TIMEOUT": "2.5",
            "RELATUM_COMPANY__NAME": "  Hoa Mai ",
            "RELATUM_PLUGINS__ENABLED": "rfm, idic_model",
            "RELATUM_PLUGINS__DISABLED": "",
            "RELATUM_PLUGINS__SALES_PIPELINE__ROTTING_DAYS": "21",
            "RELATUM_PLUGINS__ZALO__TOKEN": "12:ab",
            "RELATUM_PLUGINS__ZALO__SECRET": '"123456"',
            "PATH": "/bin",
        },
    )
    assert settings.home == tmp_path / "elsewhere"
    assert (settings.server.host, settings.server.port) == ("::1", 8123)
    assert settings.server.request_timeout == 2.5
    assert settings.sqlite_path == tmp_path / "elsewhere" / "x.db"
    assert (settings.safe_mode, settings.strict_plugins) == (True, False)
    assert settings.log.level == "error"
    assert settings.log.format == "json"
    assert settings.company.name == "Hoa Mai"
    assert settings.plugins.enabled == ["rfm", "idic_model"]
    assert settings.plugins.disabled == ["rfm"]
    assert settings.plugin_settings["sales_pipeline"]["rotting_days"] == 21
    assert settings.plugin_settings["zalo"] == {"token": "12:ab", "secret": "123456"}


def test_where_the_file_is_looked_for(tmp_path, monkeypatch):
    here, home, asked = tmp_path / "here", tmp_path / "home", tmp_path / "asked.toml"
    for folder in (here, home):
        folder.mkdir()
    monkeypatch.chdir(here)
    env = {"RELATUM_HOME": str(home)}
    assert find_file(None, env) is None
    (here / "relatum.toml").touch()
    assert find_file(None, env) == here / "relatum.toml"
    (home / "relatum.toml").touch()
    assert find_file(None, env) == home / "relatum.toml"
    asked.touch()
    env["RELATUM_CONFIG"] = str(asked)
    assert find_file(None, env) == asked
    assert find_file(here / "relatum.toml", env) == here / "relatum.toml"
    assert load_settings(None, {"RELATUM_CONFIG": str(asked)}).home == tmp_path


def test_without_a_file_home_is_var_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert load_settings(None, {}).home == tmp_path / "var"


def test_a_file_that_was_asked_for_must_be_there(tmp_path):
    for path, env in ((tmp_path / "no.toml", {}), (None, {"RELATUM_CONFIG": str(tmp_path)})):
        with pytest.raises(ConfigurationError, match="no such file"):
            load_settings(path, env)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"port = = 3", "line 1"),
        (b"[server\nport = 1", "line 1"),
        (b"a = 1\na = 2", "TOML"),
        (b'name = "\xff"', "UTF-8"),
    ],
)
def test_a_broken_file_is_explained(tmp_path, content, why):
    path = tmp_path / "relatum.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=why):
        load_settings(path, {})


def test_a_byte_order_mark_is_no_problem(tmp_path):
    path = tmp_path / "relatum.toml"
    path.write_bytes(b"\xef\xbb\xbf[server]\nport = 8001\n")
    assert load_settings(path, {}).server.port == 8001


def test_all_problems_come_at_once_each_with_its_mend(write):
    found = problems_of(
        write(
            """
            safe_mod = true
            durability = "ful"
            strict_plugins = "yes"
            log = "debug"
            [server]
            prot = 80
            max_body_bytes = "16 MiB"
            [company]
            language = "de"
            [plugins]
            enable = ["rfm"]
            disabled = "rfm"
            [plugins.Sales-Pipeline]
            rotting_days = 3
            """
        ),
        {"RELATUM_PROT": "80", "RELATUM_SERVER__PORT": "eighty", "RELATUM_LOG__LEVEL": "loud"},
    )
    assert set(found) == {
        *("safe_mod", "durability", "strict_plugins", "log", "server.prot"),
        *("server.max_body_bytes", "company.language", "plugins.enable", "plugins.disabled"),
        *("plugins.Sales-Pipeline", "environment variable RELATUM_PROT"),
        *("server.port", "log.level"),
    }
    assert found["safe_mod"].mend == "Did you mean safe_mode?"
    assert found["server.prot"].mend == "Did you mean port?"
    assert found["plugins.enable"].mend == "Did you mean enabled?"
    assert "sales_pipeline" in found["plugins.Sales-Pipeline"].mend
    assert found["environment variable RELATUM_PROT"].mend == "Did you mean RELATUM_PORT?"
    assert found["durability"].expected == "full or normal"
    assert found["durability"].got == "'ful'"
    assert found["strict_plugins"].expected == "true or false"
    assert found["log"].expected == "a table [log]"
    assert found["plugins.disabled"].expected == "a list of texts"
    assert found["server.port"].where == "environment variable RELATUM_SERVER__PORT, server.port"
    assert all(problem.mend and problem.expected for problem in found.values())


def test_values_that_cannot_be_meant(write):
    found = problems_of(
        write(
            """
            database = "postgres://u:s3cret@h/db"
            [server]
            host = " "
            port = 70000
            max_body_bytes = 0
            request_timeout = nan
            [company]
            country = "vn"
            time_zone = "Asia/Saigonn"
            currency = "VNX"
            [exports]
            approval_above = -1
            keep_days = 0
            [uploads]
            keep_days = 1000
            most_bytes = 0
            [worker]
            host = ""
            port = -1
            [shutdown]
            delay = -1
            limit = inf
            """
        )
    )
    assert set(found) == {
        *("exports.approval_above", "exports.keep_days", "uploads.keep_days"),
        "uploads.most_bytes",
        *("worker.host", "worker.port", "shutdown.delay", "shutdown.limit"),
        *("database", "server.host", "server.port", "server.max_body_bytes"),
        *("server.request_timeout", "company.country", "company.time_zone", "company.currency"),
    }
    assert found["company.time_zone"].mend == "Did you mean Asia/Saigon?"
    assert "postgresql://" in found["database"].mend
    assert all(problem.mend for problem in found.values())


@pytest.mark.parametrize(
    "url",
    [
        *("", "crm.db", "mysql://h/db", "sqlite://", "sqlite:///", "sqlite:///:memory:"),
        *("sqlite://host/file", "sqlite:///a?mode=ro", "postgresql://", "postgresql://h"),
        *(
            "postgresql://h:99999/db",
            "postgresql://a:5432,b:x/db",
            "postgresql://u:p/w@h/",
            "postgresql://[::1/db",
        ),
    ],
)
def test_database_addresses_that_lead_nowhere(tmp_path, url):
    if not url:
        assert Settings(home=tmp_path, database=url).database.startswith("sqlite:///")
        return
    path = tmp_path / "relatum.toml"
    path.write_text(f'database = "{url}"')
    assert set(problems_of(path)) == {"database"}


@pytest.mark.parametrize(
    ("written", "where"),
    [
        ("pool_size = 0", "postgresql.pool_size"),
        ("pool_size = 100000", "postgresql.pool_size"),
        ("connect_timeout = 0.0", "postgresql.connect_timeout"),
        ("statement_timeout = -1.0", "postgresql.statement_timeout"),
        ("idle_in_transaction_timeout = nan", "postgresql.idle_in_transaction_timeout"),
        ('listen = "sqlite:///x"', "postgresql.listen"),
        ('listen = "postgresql://u:s3cret@h"', "postgresql.listen"),
    ],
)
def test_settings_of_connections_that_cannot_be_meant(write, written, where):
    file = write(f"[postgresql]\n{written}\n")
    with pytest.raises(ConfigurationError) as refusal:
        load_settings(file, {})
    assert [problem.where for problem in refusal.value.problems] == [where]
    assert "s3cret" not in str(refusal.value)


def test_the_way_past_a_pooler_is_shown_without_its_password(write):
    text = '[postgresql]\npooled = true\nlisten = "postgresql://u:s3cret@h/db"\n'
    settings = load_settings(write(text), {})
    assert settings.postgresql.listen.endswith("s3cret@h/db")
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///crm",
        "postgresql://u@h:5433/crm?sslmode=require",
        "postgresql://u:p@a:5432,b:5433/crm?target_session_attrs=read-write",
    ],
)
def test_database_addresses_that_are_fine(tmp_path, url):
    assert load_settings(None, {"RELATUM_HOME": str(tmp_path), "RELATUM_DATABASE": url}).database


SECRETS = [
    "postgresql://crm:s3cret@h/db",
    "postgres://crm:s3cret@h/db",
    "mysql://crm:s3cret@h/db?password=s3cret",
    "postgresql://crm:s3/s3cret@h/db",
    "postgresql://crm:s3@s3cret@h/",
    "postgresql://crm:a#s3cret@h/db",
    "postgresql://crm:a?s3cret@h/db",
    "postgresql://crm:[s3cret@h/db",
    "postgresql://h/db?user=crm&password=s3cret",
    "crm:s3cret@h/db",
]


@pytest.mark.parametrize("url", SECRETS)
@pytest.mark.parametrize("also_wrong", [False, True])
def test_a_password_is_never_shown(tmp_path, monkeypatch, url, also_wrong):
    monkeypatch.chdir(tmp_path)
    assert "s3cret" not in redact_url(url)
    env = {"RELATUM_HOME": str(tmp_path), "RELATUM_DATABASE": url}
    if also_wrong:
        env["RELATUM_NO_SUCH"] = url
    path = tmp_path / "relatum.toml"
    path.write_text(f'database = ["{url}"]\n' if also_wrong else f'database = "{url}"\n')
    try:
        shown = repr(load_settings(path, env))
    except ConfigurationError as refusal:
        shown = str(refusal) + repr(refusal) + repr(refusal.problems)
    assert "s3cret" not in shown


def test_settings_show_neither_password_nor_token(tmp_path):
    settings = load_settings(
        None,
        {
            "RELATUM_HOME": str(tmp_path),
            "RELATUM_DATABASE": SECRETS[0],
            "RELATUM_PLUGINS__ZALO__TOKEN": "t0ken",
        },
    )
    assert "t0ken" not in repr(settings) + str(settings)
    assert "s3cret" not in repr(settings) + str(settings)
    assert settings.redacted_database() == "postgresql://crm:***@h/db"
    assert settings.plugin_settings["zalo"]["token"] == "t0ken"


def test_variables_of_tests_and_benchmarks_are_not_settings(tmp_path):
    env = {"RELATUM_HOME": str(tmp_path), "RELATUM_TEST_POSTGRES": "x", "RELATUM_BENCH_N": "1"}
    assert load_settings(None, env).home == tmp_path


@pytest.mark.parametrize(
    "name",
    ["RELATUM_SAFEMODE", "RELATUM_", "RELATUM_SERVER", "RELATUM_PLUGINS__X", "RELATUM_LOG__A__B"],
)
def test_unknown_variables_are_refused(tmp_path, name):
    found = problems_of(None, {"RELATUM_HOME": str(tmp_path), name: "1"})
    assert set(found) == {f"environment variable {name}"}


def test_every_named_variable_is_understood(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = variable_names()
    assert {"RELATUM_HOME", "RELATUM_PORT", "RELATUM_LOG__LEVEL", "RELATUM_DATABASE"} <= set(names)
    assert len(names) >= 20
    for name in names:
        load_settings(None, {name: ""})
