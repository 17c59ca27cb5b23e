"""Whatever a plugin does wrong, core answers and ``GET /api/v1/plugins`` says what it was."""

from __future__ import annotations

from typing import Any

import pytest

from relatum.hooks import specs
from relatum.values.problems import ConfigurationError, PluginError
from tests.faults.conftest import GOOD, HEAD, HOOK_LIMIT, Run, Running, Site

VALIDATE = "relatum_validate_interactions"
SEED = "relatum_seed_demo"
FIND_DUPLICATES = "relatum_find_duplicates"
SEND = "relatum_send"
OPEN_BUSINESS = "relatum_open_business"
SLOW = "time.sleep(5)"
TABLES = 'piccolo_app = "relatum_broken.piccolo_app"'

#: name: (plugin.py, options of the installation, rule, words)
LOADING: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "raises at import": ("1 / 0", {}, "import-failed", "ZeroDivisionError"),
    "exits at import": ("sys.exit(0)", {}, "exits", "ends the program"),
    "hangs at import": (SLOW, {"package": "hangs_once"}, "hangs", "does not come back"),
    "misses a package": ("import not_there", {}, "import-failed", "not_there"),
    "manifest is broken": ("", {"manifest": "id ="}, "unreadable-manifest", "valid TOML"),
    "manifest of another core": (
        "",
        {"manifest": 'id = "broken"\ncore_api = ">=9"\nkind = "trade"'},
        "core-api",
        ">=9",
    ),
    "requires what is not there": (
        "",
        {"manifest_extra": 'requires = ["nobody>=2"]'},
        "missing-requirement",
        "nobody>=2",
    ),
    "tables raise": (
        "",
        {"manifest_extra": TABLES, "files": {"piccolo_app.py": "1 / 0"}},
        "unreadable-tables",
        "ZeroDivisionError",
    ),
    "tables exit": (
        "",
        {"manifest_extra": TABLES, "files": {"piccolo_app.py": "raise SystemExit"}},
        "unreadable-tables",
        "SystemExit",
    ),
    "route without a permission": (
        (
            '@get("/x")\nasync def x() -> None: ...\n'
            "@hookimpl\ndef relatum_register_routes(plugin): return [x]"
        ),
        {},
        "no-permission",
        "asks for no permission",
    ),
    "route with an undeclared permission": (
        (
            '@get("/x", opt={"permission": "broken.x.read"})\n'
            "async def x() -> None: ...\n"
            "@hookimpl\ndef relatum_register_routes(plugin): return [x]"
        ),
        {},
        "undeclared-permission",
        "'broken.x.read' is asked for but not declared",
    ),
    "route of an unknown type": (
        (
            '@get("/x", opt={"permission": "broken.x.read"})\n'
            'async def x(y: "Nobody") -> None: ...\n'
            "@hookimpl\ndef relatum_register_routes(plugin): return [x]"
        ),
        {},
        "unusable-routes",
        "Nobody",
    ),
}
DECLARING = {
    f"{hook} {way}": (f"@hookimpl\ndef {hook}(plugin): {body}", {}, rule, words)
    for hook in specs.DECLARING
    for way, body, rule, words in (
        ("raises", "raise ValueError('too blue')", "raised", "ValueError: too blue"),
        ("hangs", SLOW, "hangs", f"within {HOOK_LIMIT:g} s"),
        ("answers the wrong type", "return 5", "wrong-type", "got int"),
    )
}


@pytest.mark.parametrize("fault", {**LOADING, **DECLARING})
async def test_plugin_that_cannot_be_loaded(site: Site, run: Run, fault: str) -> None:
    body, options, rule, words = {**LOADING, **DECLARING}[fault]
    site.install("broken", HEAD + body, version="0.9", **options)
    site.install("needs_it", HEAD, manifest_extra='requires = ["broken"]')
    running = await run()
    states = await running.states()
    assert {key: state["state"] for key, state in states.items()} == {
        "good": "enabled",
        "broken": "quarantined",
        "needs_it": "quarantined",
    }
    problem = next(each for each in states["broken"]["problems"] if each["rule"] == rule)
    assert (problem["plugin"], problem["version"]) == ("broken", "0.9")
    assert words in problem["message"]
    assert problem["mend"]
    assert (await running.client.get("/api/v1/plugins/broken/x")).status_code == 404
    await running.assert_core_answers()


TAKING_PART = {
    "raises": ('raise ValueError("too blue")', "ValueError: too blue"),
    "hangs": ("await asyncio.sleep(60)", f"no answer within {HOOK_LIMIT:g} s"),
    "answers the wrong type": ("return 5", "int"),
    "exits": ("sys.exit(3)", "SystemExit"),
    "raises a refusal": ('raise Refused("no")', "Refused: no"),
}


@pytest.mark.parametrize("fault", TAKING_PART)
async def test_plugin_that_breaks_while_it_validates(site: Site, run: Run, fault: str) -> None:
    body, words = TAKING_PART[fault]
    source = f"{HEAD}@hookimpl\nasync def {VALIDATE}(plugin, drafts): {body}"
    site.install("broken", source, version="0.9")
    running = await run()
    await running.assert_core_answers()
    answer = await record(running)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "plugin-error"
    assert "broken 0.9" in problem["detail"]
    assert VALIDATE in problem["detail"]
    assert words in problem["detail"]
    assert "relatum plugins disable broken" in problem["detail"]
    assert await count(running) == 0, "nothing of the aborted operation stays"

    await running.configure(disabled=["broken"])
    assert (await record(running)).status_code == 201
    assert await count(running) == 1


@pytest.mark.parametrize("fault", TAKING_PART)
async def test_plugin_that_breaks_while_it_seeds(site: Site, run: Run, fault: str) -> None:
    body, words = TAKING_PART[fault]
    if fault == "hangs":
        body, words = 'raise TimeoutError("never")', "TimeoutError: never"  # it may take minutes
    source = f"{HEAD}@hookimpl\nasync def {SEED}(plugin, customers, seed): {body}"
    site.install("broken", source, version="0.9")
    running = await run()
    with pytest.raises(PluginError, match=words) as caught:
        await running.house.dispatcher.take_part(SEED, customers=(), seed=1)
    assert caught.value.extra == {"plugin": "broken", "version": "0.9", "hook": SEED}
    await running.assert_core_answers()


@pytest.mark.parametrize("fault", TAKING_PART)
async def test_plugin_that_breaks_while_it_looks_for_doubles(
    site: Site, run: Run, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is kept from saving: core's own check answers, and the log names the plugin."""
    body, words = TAKING_PART[fault]
    source = f"{HEAD}@hookimpl\nasync def {FIND_DUPLICATES}(plugin, drafts): {body}"
    site.install("broken", source, version="0.9")
    running = await run()
    phone = [{"kind": "phone", "raw": "0901 234 567"}]
    draft = {"display_name": "Trần Văn Bình", "contact_points": phone}
    path = "/api/v1/customers?duplicates=show"
    first = await running.client.post(path, json=draft)
    again = await running.client.post(path, json=draft)
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert [one["id"] for one in again.json()["duplicates"]] == [first.json()["id"]]
    assert "broken 0.9" in caplog.text
    assert words in caplog.text
    await running.assert_core_answers()


@pytest.mark.parametrize("fault", TAKING_PART)
async def test_plugin_that_breaks_while_it_says_what_is_open(
    site: Site, run: Run, fault: str
) -> None:
    """No schedule erases anybody then; the preview says so, and whoever asked may be erased."""
    body, words = TAKING_PART[fault]
    source = f"{HEAD}@hookimpl\nasync def {OPEN_BUSINESS}(plugin, customers): {body}"
    site.install("broken", source, version="0.9")
    running = await run()
    made = await running.client.post("/api/v1/customers", json={"display_name": "Trần Văn Bình"})
    path = f"/api/v1/customers/{made.json()['id']}"
    preview = await running.client.get(f"{path}/erasure")
    [said] = preview.json()["business"]
    assert "broken 0.9" in said["en"]
    assert words in said["en"]
    await running.assert_core_answers()


CHANNELS = (
    "@hookimpl\ndef relatum_register_channels(plugin):\n"
    '    return [Channel(id="broken.mail", title=Text(en="Mail", vi="Thư"), channel="email")]\n'
)


@pytest.mark.parametrize("fault", TAKING_PART)
async def test_plugin_that_breaks_while_it_sends(site: Site, run: Run, fault: str) -> None:
    """Nobody knows whether it went out, so a person looks; it is not sent twice."""
    body, words = TAKING_PART[fault]
    if fault == "hangs":
        body, words = 'raise TimeoutError("never")', "TimeoutError: never"  # it may take a minute
    source = f"{HEAD}{CHANNELS}@hookimpl\nasync def {SEND}(plugin, parcels): {body}"
    site.install("broken", source, version="0.9")
    running = await run()
    points = [{"kind": "email", "raw": "binh@example.com"}]
    draft = {"display_name": "Trần Văn Bình", "contact_points": points}
    customer = (await running.client.post("/api/v1/customers", json=draft)).json()["id"]
    message = {
        "customer": customer,
        "channel": "email",
        "purpose": "service",
        "content": {"subject": "Lịch hẹn", "text": "Hẹn chị 9 giờ sáng mai."},
    }
    made = await running.client.post("/api/v1/messages", json={"items": [message]})
    assert made.status_code == 201, made.text
    [sent] = made.json()["items"]
    for _ in range(2):
        await running.house.worker.drain()
        kept = (await running.client.get(f"/api/v1/messages/{sent['id']}")).json()
        assert kept["state"] == "uncertain"
        assert kept["attempts"] == 1
    assert words in kept["detail"]
    await running.assert_core_answers()


def test_faults_are_many() -> None:
    assert len(LOADING) == 12
    assert len(DECLARING) == 3 * len(specs.DECLARING)
    assert len(TAKING_PART) == 5
    assert {VALIDATE, SEED, FIND_DUPLICATES, SEND, OPEN_BUSINESS} == set(specs.TAKING_PART)


async def record(running: Running) -> Any:
    wave = {"kind": "good.wave", "payload": {}}
    return await running.client.post("/api/v1/interactions", json=wave)


async def count(running: Running) -> int:
    return len((await running.client.get("/api/v1/interactions")).json()["items"])


BROKEN_PERMISSION = (
    "@hookimpl\ndef relatum_register_permissions(plugin):\n"
    '    return [Permission(id="broken.x.read", title=Text(en="X", vi="X"))]\n'
)


async def test_route_that_breaks_says_whose_it_is(site: Site, run: Run) -> None:
    site.install(
        "broken",
        HEAD
        + '@get("/x", opt={"permission": "broken.x.read"})\nasync def x() -> None: 1 / 0\n'
        + "@hookimpl\ndef relatum_register_routes(plugin): return [x]\n"
        + BROKEN_PERMISSION,
    )
    running = await run()
    answer = await running.client.get("/api/v1/plugins/broken/x")
    assert answer.status_code == 500
    assert "broken 1.0" in answer.json()["detail"]
    await running.assert_core_answers()


async def test_switching_off_and_on_while_it_runs(site: Site, run: Run) -> None:
    running = await run()
    client = running.client
    assert (await record(running)).status_code == 201

    await running.configure(disabled=["good"])
    assert (await running.states())["good"]["state"] == "disabled"
    assert (await client.get("/api/v1/plugins/good/ping")).status_code == 404
    refused = await record(running)
    assert refused.status_code == 422, "new interactions of that kind are refused"
    assert await count(running) == 1, "what was recorded stays and is still shown"

    await running.configure()
    assert (await client.get("/api/v1/plugins/good/ping")).status_code == 200
    assert (await record(running)).status_code == 201


async def test_plugin_switched_on_later_gets_its_routes(site: Site, run: Run) -> None:
    site.install("late", GOOD.replace("good.", "late."))
    running = await run(disabled=["late"])
    assert (await running.client.get("/api/v1/plugins/late/ping")).status_code == 404
    await running.configure()
    assert (await running.client.get("/api/v1/plugins/late/ping")).json() == {"answer": "pong"}
    schema = (await running.client.get("/schema/openapi.json")).json()
    assert "/api/v1/plugins/late/ping" in schema["paths"]


async def test_broken_plugin_switched_on_later_changes_nothing(site: Site, run: Run) -> None:
    site.install("broken", HEAD + "1 / 0")
    running = await run(disabled=["broken"])
    await running.configure()
    states = await running.states()
    assert states["broken"]["state"] == "quarantined"
    await running.assert_core_answers()


async def test_safe_mode_runs_core_alone(site: Site, run: Run) -> None:
    running = await run(safe=True, strict=True)
    assert {state["state"] for state in (await running.states()).values()} == {"disabled"}
    assert (await running.client.get("/api/v1/plugins/good/ping")).status_code == 404
    assert (await running.client.get("/health")).status_code == 200


async def test_strict_refuses_to_start(site: Site, run: Run) -> None:
    site.install("broken", HEAD + "1 / 0")
    with pytest.raises(ConfigurationError, match="strict_plugins"):
        await run(strict=True)


APP = (
    "from pathlib import Path\nfrom piccolo.conf.apps import AppConfig\n"
    "APP_CONFIG = AppConfig(app_name='broken', table_classes=[], "
    "migrations_folder_path=str(Path(__file__).parent / 'piccolo_migrations'))\n"
)
NAME = "piccolo_migrations/broken_2026_01_01t00_00_00_000000.py"


def migration(body: str) -> dict[str, str]:
    return {"piccolo_app.py": APP, NAME: body}


MIGRATIONS: dict[str, dict[str, str]] = {
    "raises": migration("1 / 0"),
    "exits": migration("raise SystemExit"),
    "is not Python": migration("def ("),
    "has no id": migration(""),
    "hangs": migration("import time\ntime.sleep(5)"),
}


@pytest.mark.parametrize("fault", MIGRATIONS)
@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
async def test_plugin_whose_migrations_cannot_be_read(
    site: Site, run: Run, fault: str, on: bool
) -> None:
    """Also while it is switched off: installed plugins are always migrated."""
    site.install("broken", HEAD, manifest_extra=TABLES, files=MIGRATIONS[fault])
    running = await run(disabled=[] if on else ["broken"])
    await running.house.migrate_apply()
    state = (await running.states())["broken"]
    assert state["state"] == ("quarantined" if on else "disabled")
    assert state["problems"]
    assert (await running.client.get("/ready")).status_code in (200, 503)
    await running.assert_core_answers()
