"""What a type cannot say about settings: zones, currencies, countries, database addresses."""

import math
import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from babel.core import get_global
from phonenumbers import SUPPORTED_REGIONS

from relatum.config.settings import (
    Archive,
    Backup,
    Company,
    Jobs,
    Limits,
    OpenId,
    PostgreSql,
    Server,
    Settings,
    redact_url,
)
from relatum.values.money import is_currency
from relatum.values.problems import InvalidInput, Problem
from relatum.values.text import nearest
from relatum.values.time import zone_of

_SMALLEST_BODY = 1024
_MOST_A_MINUTE = 1_000_000
_MOST_DAYS = 366
_MOST_MONTHS = 1_200
_MOST_CONNECTIONS = 1_000
_MOST_SECONDS = 86_400
_MOST_SHUTDOWN = 3600
_FEWEST_RUNS, _MOST_RUNS = 2, 1_000
#: a name or an address, without a port
_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+")


def settings_problems(settings: Settings) -> list[Problem]:
    """Every value that is of the right type but cannot be meant."""
    return [
        *_server(settings.server),
        *_reach(settings.server),
        *_processes(settings),
        *_limits(settings.limits),
        *_files(settings),
        *_archive(settings.archive),
        *_backup(settings.backup),
        *_jobs(settings.jobs),
        *_company(settings.company),
        *_openid(settings.oidc),
        *_database(settings.database),
        *_postgresql(settings.postgresql),
    ]


def _backup(backup: Backup) -> Iterator[Problem]:
    if backup.daily_at and not _CLOCK.fullmatch(backup.daily_at):
        yield _bad("backup.daily_at", "HH:MM such as 02:30, or nothing", backup.daily_at)
    if backup.every_minutes < 0:
        yield _bad("backup.every_minutes", "whole minutes, or 0 for none", backup.every_minutes)
    if backup.daily_at and backup.every_minutes:
        yield _bad("backup.every_minutes", "0 beside a daily_at", backup.every_minutes)
    if backup.keep < 0:
        yield _bad("backup.keep", "how many to keep, or 0 for all", backup.keep)


def proposal(word: str, candidates: Iterable[str], otherwise: str) -> str:
    """The mend: the nearest valid word when there is one, else ``otherwise``."""
    near = nearest(word, candidates)
    return otherwise if near is None else f"Did you mean {near}?"


def _server(server: Server) -> Iterator[Problem]:
    if not server.host.strip():
        yield _bad("server.host", "a name or address such as 127.0.0.1", server.host)
    if not 0 <= server.port <= 65535:
        yield _bad("server.port", "a port from 0 to 65535 (0: any free one)", server.port)
    if server.max_body_bytes < _SMALLEST_BODY:
        yield _bad("server.max_body_bytes", "at least 1024 bytes", server.max_body_bytes)
    if not (math.isfinite(server.request_timeout) and server.request_timeout > 0):
        yield _bad("server.request_timeout", "seconds above zero", server.request_timeout)


def _processes(settings: Settings) -> Iterator[Problem]:
    worker, shutdown = settings.worker, settings.shutdown
    if not worker.host.strip():
        yield _bad("worker.host", "a name or address such as 127.0.0.1", worker.host)
    if not 0 <= worker.port <= 65535:
        yield _bad("worker.port", "a port from 0 to 65535 (0: none)", worker.port)
    for name, seconds in (("delay", shutdown.delay), ("limit", shutdown.limit)):
        if not 0 <= seconds <= _MOST_SHUTDOWN:
            yield _bad(f"shutdown.{name}", f"0 to {_MOST_SHUTDOWN} seconds", seconds)


def _reach(server: Server) -> Iterator[Problem]:
    if server.public_url and not _is_origin(server.public_url):
        expected = "https://name or http://name, with a port if need be and nothing after it"
        yield _bad("server.public_url", expected, server.public_url)
    for host in server.allowed_hosts:
        if not _HOST.fullmatch(host.strip("[]")):
            yield _bad("server.allowed_hosts", "names such as crm.example.com, no ports", host)
    for proxy in server.trusted_proxies:
        try:
            ip_network(proxy, strict=False)
        except ValueError:
            yield _bad("server.trusted_proxies", "addresses or networks such as 10.0.0.0/8", proxy)


def _is_origin(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    return parts.scheme in ("http", "https") and bare and bool(host and _HOST.fullmatch(host))


def _limits(limits: Limits) -> Iterator[Problem]:
    for name in limits.__struct_fields__:
        value = getattr(limits, name)
        if not 0 <= value <= _MOST_A_MINUTE:
            yield _bad(f"limits.{name}", f"a number from 0 to {_MOST_A_MINUTE}", value)


def _files(settings: Settings) -> Iterator[Problem]:
    exports, uploads = settings.exports, settings.uploads
    if exports.approval_above < 0:
        yield _bad("exports.approval_above", "a number from 0", exports.approval_above)
    for name, days in (("exports", exports.keep_days), ("uploads", uploads.keep_days)):
        if not 1 <= days <= _MOST_DAYS:
            yield _bad(f"{name}.keep_days", f"1 to {_MOST_DAYS} days", days)
    if uploads.most_bytes < _SMALLEST_BODY:
        yield _bad("uploads.most_bytes", "at least 1024 bytes", uploads.most_bytes)


def _jobs(jobs: Jobs) -> Iterator[Problem]:
    if not _FEWEST_RUNS <= jobs.concurrency <= _MOST_RUNS:
        expected = f"{_FEWEST_RUNS} to {_MOST_RUNS} runs at the same time"
        yield _bad("jobs.concurrency", expected, jobs.concurrency)
    if not 1 <= jobs.heartbeat_seconds <= _MOST_SHUTDOWN:
        expected = f"1 to {_MOST_SHUTDOWN} seconds"
        yield _bad("jobs.heartbeat_seconds", expected, jobs.heartbeat_seconds)
    if not 1 <= jobs.max_deliveries <= _MOST_RUNS:
        yield _bad("jobs.max_deliveries", f"1 to {_MOST_RUNS}", jobs.max_deliveries)


def _archive(archive: Archive) -> Iterator[Problem]:
    for name in ("keep_months_events", "keep_months_interactions"):
        value = getattr(archive, name)
        if not 0 <= value <= _MOST_MONTHS:
            yield _bad(f"archive.{name}", f"0 (keep all) to {_MOST_MONTHS} months", value)


def _openid(oidc: OpenId) -> Iterator[Problem]:
    if not oidc.issuer:
        if oidc.client_id or oidc.client_secret:
            yield _bad("oidc.issuer", "the address of the provider", oidc.issuer)
        return
    if not _is_issuer(oidc.issuer):
        yield _bad("oidc.issuer", "an address https://… without query", oidc.issuer)
    if not oidc.client_id:
        yield _bad("oidc.client_id", "the id that the provider gave this client", "")
    if oidc.create_role == "owner":
        mend = "Choose another role; an owner makes owners."
        yield _bad("oidc.create_role", "a role that newcomers may have", "owner", mend)


def _is_issuer(url: str) -> bool:
    """OpenID Connect Discovery 1.0, section 3; plain http for this machine alone."""
    try:
        parts = urlsplit(url)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    except ValueError:
        return False
    fine = parts.scheme == "https" or (parts.scheme == "http" and local)
    return fine and bool(parts.hostname) and not (parts.query or parts.fragment or parts.username)


def _company(company: Company) -> Iterator[Problem]:
    try:
        zone_of(company.time_zone)
    except InvalidInput:
        zone = company.time_zone
        mend = proposal(zone, sorted(available_timezones()), "See the list of IANA time zones.")
        yield _bad("company.time_zone", "an IANA name such as Asia/Ho_Chi_Minh", zone, mend)
    if not is_currency(company.currency):
        known = sorted(get_global("all_currencies"))
        mend = proposal(company.currency, known, "See the list of ISO 4217 codes.")
        yield _bad("company.currency", "an ISO 4217 code such as VND", company.currency, mend)
    if company.country not in SUPPORTED_REGIONS:
        mend = "Write its two capital letters."
        yield _bad("company.country", "an ISO 3166 code such as VN", company.country, mend)


def _database(url: str) -> Iterator[Problem]:
    expected = "sqlite:///file or postgresql://user:password@host/database"
    shown = redact_url(url)
    scheme, found, rest = url.partition("://")
    if scheme == "postgres" and found:
        yield _bad("database", expected, shown, "Write postgresql:// instead of postgres://.")
    elif scheme == "sqlite" and found:
        name = rest.removeprefix("/")
        if not rest.startswith("/") or name in ("", "/", ":memory:") or "?" in name:
            mend = "Name a file, relative to home, after three slashes; memory is not durable."
            yield _bad("database", "sqlite:/// and a file", shown, mend)
    elif scheme == "postgresql" and found:
        if not _has_database(url):
            mend = "Add the database after the host; escape / ? # @ in the password (%2F …)."
            yield _bad("database", expected, shown, mend)
    else:
        yield _bad("database", expected, shown)


def _postgresql(postgresql: PostgreSql) -> Iterator[Problem]:
    if not 1 <= postgresql.pool_size <= _MOST_CONNECTIONS:
        expected = f"a number from 1 to {_MOST_CONNECTIONS}"
        yield _bad("postgresql.pool_size", expected, postgresql.pool_size)
    for name in ("connect_timeout", "statement_timeout", "idle_in_transaction_timeout"):
        value = getattr(postgresql, name)
        least = name == "connect_timeout"
        if not 0 <= value <= _MOST_SECONDS or (least and not value):
            expected = f"seconds from {'a little' if least else '0'} to {_MOST_SECONDS}"
            yield _bad(f"postgresql.{name}", expected, value)
    listen = postgresql.listen
    if listen and not (listen.startswith("postgresql://") and _has_database(listen)):
        expected = "postgresql://user:password@host/database, past the pooler"
        yield _bad("postgresql.listen", expected, redact_url(listen))


def _has_database(url: str) -> bool:
    """Whether it names a database, on one server or on several (``host:port,host:port``)."""
    try:
        parts = urlsplit(url)
        login, at, hosts = parts.netloc.rpartition("@")
        each = [urlsplit(f"//{login}{at}{host}").port or 0 for host in hosts.split(",")]
    except ValueError:
        return False
    return len(parts.path) > 1 and min(each) >= 0


def _bad(name: str, expected: str, got: object, mend: str = "") -> Problem:
    return Problem(
        code="bad-setting",
        message=f"The setting {name} cannot be used",
        where=name,
        expected=expected,
        got=str(got)[:120],
        mend=mend or f"Correct {name}.",
    )
