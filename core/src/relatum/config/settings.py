"""Every setting of an installation, with its default. Unknown names are refused.

The structs are frozen and may be built directly (tests, embedding); ``load_settings`` builds them
from a file and the environment and reports everything that is wrong with them.
"""

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

import msgspec

MEBIBYTE = 1024 * 1024
PLUGIN_ID = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
"""How the id of a plugin is written."""


class Server(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the HTTP server listens and what it accepts."""

    host: str = "127.0.0.1"
    port: int = 8000
    max_body_bytes: int = 16 * MEBIBYTE
    request_timeout: float = 30.0
    """Seconds after which a request is answered with 503."""
    public_url: str = ""
    """Where people find this server, such as ``https://crm.example.com``: for links that are sent,
    and whether cookies go over https alone."""
    allowed_hosts: list[str] = []
    """Further names this server answers to, besides those of this machine and of
    ``public_url``."""
    trusted_proxies: list[str] = []
    """Addresses or networks (``10.0.0.0/8``) whose ``X-Forwarded-For`` and ``-Proto`` are
    believed."""


class PostgreSql(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How this process speaks to PostgreSQL. Nothing of it concerns SQLite."""

    pool_size: int = 10
    """Connections of one process, at most; one more listens. All processes together must stay below
    the server's ``max_connections``."""
    pooled: bool = False
    """A pooler that lends connections for single transactions stands in between (PgBouncer with
    ``pool_mode = transaction``): nothing is prepared or set for longer than a transaction."""
    listen: str = ""
    """``postgresql://…`` past the pooler, for the one connection that hears of other processes.
    Without it, behind a pooler, they are heard of by looking, once a second."""
    application_name: str = "relatum"
    """As the server shows this process in ``pg_stat_activity``."""
    connect_timeout: float = 10.0
    """Seconds in which a connection must be there."""
    statement_timeout: float = 0.0
    """Seconds after which the server ends a single statement; 0 is never. Requests have
    ``server.request_timeout`` anyway. Behind a pooler it is set there or for the role."""
    idle_in_transaction_timeout: float = 300.0
    """Seconds after which the server ends a transaction that does nothing: what a process that
    hangs has locked is free again. 0 is never; behind a pooler as above."""

    def __repr__(self) -> str:
        """Without passwords."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        shown["listen"] = redact_url(self.listen) if self.listen else ""
        return f"PostgreSql({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many requests a minute somebody may send; 0 is no limit. Beyond it they get 429."""

    token: int = 1200
    """With one API token."""
    account: int = 1200
    """By one person in the browser."""
    address: int = 300
    """From one address, without being signed in."""
    sign_in: int = 20
    """Attempts to come in from one address: passwords, codes, one-time links."""


class Exports(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Data that people take out."""

    approval_above: int = 1000
    """Records that one account may take out within a day; above it, a second person lets them
    go."""
    keep_days: int = 7
    """Days after which a request nobody decided lapses, and after which a file is deleted."""


class Uploads(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files that people bring in."""

    keep_days: int = 7
    """Days after which a file is deleted."""
    most_bytes: int = 1024 * MEBIBYTE
    """Of all files together that one account may have lying here. A single one is limited by
    ``server.max_body_bytes``."""


class Jobs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Background work of one process."""

    concurrency: int = 20
    """Runs that go on at the same time in one process; at least 2."""
    heartbeat_seconds: float = 30.0
    """A run whose worker has given no sign for so long is taken by another one."""
    max_deliveries: int = 3
    """So often a run is given to a worker without coming to an end (it was killed each time); then
    it counts as failed."""


class Archive(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Months that leave the database for files (``relatum archive``)."""

    keep_months_events: int = 0
    """So many full months of the event log stay in the database besides the current one; 0 keeps
    all."""
    keep_months_interactions: int = 0
    """The same for interactions."""
    folder: str = ""
    """Where the files lie (relative to ``home``); ``archive`` in ``home`` by default."""


class Backup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Backups that are made by themselves; see the guide to backups."""

    folder: str = "backups"
    """Where they are kept, relative to ``home``; best another disk."""
    daily_at: str = ""
    """``HH:MM`` by the company's clock; empty makes none. Followed after a restart."""
    every_minutes: int = 0
    """Instead of once a day: at this distance, where little may be lost; 0 is none."""
    keep: int = 7
    """How many stay in the folder; 0 keeps all."""
    compress: bool = True
    form: Literal["", "sqlite", "pg_dump"] = ""
    """How PostgreSQL is written; empty takes ``pg_dump`` when it is there and fits."""


class OpenId(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider of OpenID Connect through which people sign in; none without ``issuer``."""

    issuer: str = ""
    """Its address, such as ``https://accounts.google.com``, exactly as it calls itself."""
    client_id: str = ""
    client_secret: str = ""
    """Also ``RELATUM_OIDC_CLIENT_SECRET``; empty for a public client."""
    allowed_domains: list[str] = []
    """Only e-mails of these domains; empty is no limit."""
    trust_emails: bool = False
    """The provider does not say whether an e-mail is verified, and nobody there can choose one that
    is not theirs."""
    create_role: str = ""
    """The role of newcomers; empty lets in only people who have an account or an invitation."""

    def __repr__(self) -> str:
        """Without the secret."""
        return f"OpenId({self.issuer!r}, client_id={self.client_id!r})"


class Company(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The business this installation belongs to: how it writes numbers, days and money."""

    name: str = ""
    country: str = "VN"
    """ISO 3166-1 alpha-2; phone numbers without a country code are read as numbers of it."""
    time_zone: str = "Asia/Ho_Chi_Minh"
    """IANA name; days, months and quiet hours begin by its clock."""
    currency: str = "VND"
    """ISO 4217."""
    language: Literal["vi", "en"] = "vi"


class Contact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often customers are contacted at most, besides what the law says. Receipts and
    appointments do not count."""

    profile: str = "vn-2026"
    """The law that counts: a regulation profile that comes with Relatum."""
    per_day: int = 2
    """Contacts with one customer within any 24 hours, of all plugins and channels; 0 is no cap."""
    per_week: int = 5
    """The same within any 7 days."""
    gap_hours: float = 1.0
    """Hours between two contacts with one customer, so that plugins do not collide; 0 is none."""


class Log(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is logged and how it looks."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
    access: Literal["info", "debug", "off"] = "info"
    """At which level every request gets a line: method, route, status, time, no values."""


class Traces(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Traces for OpenTelemetry, with the extra ``relatum[otel]``; where they go and how many of
    them say the standard ``OTEL_…`` variables of the environment."""

    on: bool | None = None
    """Not set: they are on where ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or ``OTEL_TRACES_EXPORTER``) is
    set."""


class Worker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where ``relatum worker`` answers ``/health``, ``/ready`` and ``/metrics``."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: it listens nowhere."""


class Shutdown(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a process ends that was told to (SIGTERM, SIGINT)."""

    delay: float = 0.0
    """Seconds for which it still accepts requests while ``/ready`` already says no, so that a
    proxy notices first."""
    limit: float = 20.0
    """Seconds in which requests, jobs and batches of handlers may come to their end. The rest is
    answered with 503, or handed back to be done again elsewhere."""


class Plugins(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which installed plugins run, and the settings of each.

    ``enabled = None`` means every installed one. What is in ``disabled`` never runs.
    """

    enabled: list[str] | None = None
    disabled: list[str] = []
    plugin_settings: dict[str, dict[str, object]] = {}
    """By plugin id, from the tables ``[plugins.<id>]``."""

    def allows(self, plugin_id: str) -> bool:
        """Whether the configuration lets this plugin run."""
        if plugin_id in self.disabled:
            return False
        return self.enabled is None or plugin_id in self.enabled

    def __repr__(self) -> str:
        """Without the values of plugin settings: they hold access tokens."""
        ids = sorted(self.plugin_settings)
        return f"Plugins(enabled={self.enabled}, disabled={self.disabled}, settings of {ids})"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of one installation."""

    home: Path
    """Folder of the database, files and backups of this installation."""
    database: str = ""
    """``sqlite:///file`` (relative to ``home``) or ``postgresql://…``; a file in ``home`` by
    default."""
    postgresql: PostgreSql = PostgreSql()
    server: Server = Server()
    limits: Limits = Limits()
    company: Company = Company()
    contact: Contact = Contact()
    oidc: OpenId = OpenId()
    keys_file: str = ""
    """The file of keys (relative to ``home``), never inside the database or its backups;
    ``keys.toml`` in ``home`` by default."""
    exports: Exports = Exports()
    uploads: Uploads = Uploads()
    archive: Archive = Archive()
    jobs: Jobs = Jobs()
    backup: Backup = Backup()
    durability: Literal["full", "normal"] = "full"
    """``full``: what was answered survives a power cut. ``normal``: it survives a crash of the
    process; a power cut may lose the last moments. Concerns SQLite."""
    log: Log = Log()
    traces: Traces = Traces()
    worker: Worker = Worker()
    shutdown: Shutdown = Shutdown()
    strict_plugins: bool = False
    """Refuse to start when a plugin cannot be loaded, instead of starting without it."""
    safe_mode: bool = False
    """Start core alone, without any plugin."""
    plugins: Plugins = Plugins()

    def __post_init__(self) -> None:
        """Put the database into ``home`` unless it was said where it is."""
        if not self.database:
            url = f"sqlite:///{self.home / 'relatum.sqlite3'}"
            msgspec.structs.force_setattr(self, "database", url)

    @property
    def plugin_settings(self) -> dict[str, dict[str, object]]:
        """Settings of the plugins, by plugin id."""
        return self.plugins.plugin_settings

    @property
    def sqlite_path(self) -> Path | None:
        """The file of the embedded database; None when the database is PostgreSQL."""
        if not self.database.startswith("sqlite:///"):
            return None
        return self.home / self.database.removeprefix("sqlite:///")

    @property
    def keys_path(self) -> Path:
        """The file that holds the keys of this installation."""
        return self.home / Path(self.keys_file or "keys.toml").expanduser()

    @property
    def archive_path(self) -> Path:
        """The folder of archive files."""
        return self.home / Path(self.archive.folder or "archive").expanduser()

    @property
    def templates_path(self) -> Path:
        """The folder of the site's own templates, which stand before ours of the same name."""
        return self.home / "templates"

    def redacted_database(self) -> str:
        """The database URL as it may be shown and logged: ``***`` instead of the password."""
        return redact_url(self.database)

    def __repr__(self) -> str:
        """Every field, without passwords and tokens."""
        shown = {name: repr(getattr(self, name)) for name in self.__struct_fields__}
        shown["database"] = repr(self.redacted_database())
        return f"Settings({', '.join(f'{name}={value}' for name, value in shown.items())})"


def redact_url(url: str) -> str:
    """``url`` with ``***`` for its password and without query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "***"
    if "@" not in parts.netloc:
        # A password with an unescaped "/", "?" or "#" ends up outside the authority part.
        return "***" if "@" in url else url.partition("?")[0].partition("#")[0]
    account, _, address = parts.netloc.rpartition("@")
    if "@" in parts.path or "@" in parts.query or "@" in parts.fragment:
        return f"{parts.scheme}://***"
    user, colon, _ = account.partition(":")
    login = f"{user}:***" if colon else user
    return urlunsplit((parts.scheme, f"{login}@{address}", parts.path, "", ""))
