"""Tables of accounts. Only the services of this room write them.

Of passwords, codes and secrets only what cannot be turned back is stored; the secret of the
authenticator app, which must be, is encrypted.
"""

from piccolo.columns import (
    JSON,
    UUID,
    BigInt,
    Boolean,
    ForeignKey,
    Integer,
    OnDelete,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table


class StoredAccount(Table, tablename="core_account"):
    """Somebody or something that may come in; never deleted, because the history names it.

    ``sort_key`` and ``search`` are derived from the name, as for customers.
    """

    id = UUID(primary_key=True, default=None)
    kind = Varchar(length=20, default="person")
    name = Varchar(length=200, default="")
    sort_key = Varchar(length=700, default="")
    search = Text(default="")
    #: in small letters; services have none
    email = Varchar(length=254, default=None, null=True, unique=True)
    #: argon2id with its parameters and salt; empty when there is no password
    password_hash = Varchar(length=300, default="", secret=True)
    language = Varchar(length=10, default="vi")
    state = Varchar(length=20, default="active")
    #: encrypted; set from the beginning of the set-up
    totp_secret = Text(default="", secret=True)
    #: when the second factor was switched on; before that no code is asked for
    totp_since = Timestamptz(default=None, null=True)
    #: the 30 seconds, counted from 1970, of the last code that was taken: none is taken twice
    totp_step = BigInt(default=0)
    created_at = Timestamptz(default=None, null=False)
    last_sign_in_at = Timestamptz(default=None, null=True)


class StoredRecoveryCode(Table, tablename="core_recovery_code"):
    """A code that is good once instead of one of the app."""

    id = UUID(primary_key=True, default=None)
    account = ForeignKey(
        StoredAccount,
        db_column_name="account_id",
        null=False,
        index=True,
        on_delete=OnDelete.restrict,
    )
    #: SHA-256, hexadecimal
    digest = Varchar(length=64, default="", secret=True)
    used_at = Timestamptz(default=None, null=True)


class StoredSession(Table, tablename="core_session"):
    """Where a person is signed in; the row goes when the session ends."""

    id = UUID(primary_key=True, default=None)
    account = ForeignKey(
        StoredAccount,
        db_column_name="account_id",
        null=False,
        index=True,
        on_delete=OnDelete.restrict,
    )
    #: SHA-256 of the cookie's secret, hexadecimal
    digest = Varchar(length=64, default="", unique=True, secret=True)
    created_at = Timestamptz(default=None, null=False)
    last_seen_at = Timestamptz(default=None, null=False)
    expires_at = Timestamptz(default=None, null=False, index=True)
    address = Varchar(length=64, default="")
    user_agent = Varchar(length=300, default="")
    second_factor_at = Timestamptz(default=None, null=True)


class StoredToken(Table, tablename="core_api_token"):
    """A token of the API; ``scopes`` is a list of permissions, empty for no limit."""

    id = UUID(primary_key=True, default=None)
    account = ForeignKey(
        StoredAccount,
        db_column_name="account_id",
        null=False,
        index=True,
        on_delete=OnDelete.restrict,
    )
    name = Varchar(length=100, default="")
    #: SHA-256 of the token, hexadecimal
    digest = Varchar(length=64, default="", unique=True, secret=True)
    prefix = Varchar(length=20, default="")
    scopes = JSON(default="[]")
    created_at = Timestamptz(default=None, null=False)
    expires_at = Timestamptz(default=None, null=False)
    last_used_at = Timestamptz(default=None, null=True)
    revoked_at = Timestamptz(default=None, null=True)


class OneTimeLink(Table, tablename="core_one_time_link"):
    """A secret that opens one door once: links for people, and the steps between two requests."""

    id = UUID(primary_key=True, default=None)
    purpose = Varchar(length=20, default="")
    account = ForeignKey(
        StoredAccount,
        db_column_name="account_id",
        default=None,
        null=True,
        index=True,
        on_delete=OnDelete.restrict,
    )
    #: SHA-256, hexadecimal
    digest = Varchar(length=64, default="", unique=True, secret=True)
    #: what the next step needs to know
    data = JSON(default="{}")
    created_at = Timestamptz(default=None, null=False)
    expires_at = Timestamptz(default=None, null=False, index=True)
    used_at = Timestamptz(default=None, null=True)


class StoredIdentity(Table, tablename="core_identity"):
    """Whom a provider of OpenID Connect knows under which name."""

    id = UUID(primary_key=True, default=None)
    account = ForeignKey(
        StoredAccount,
        db_column_name="account_id",
        null=False,
        index=True,
        on_delete=OnDelete.restrict,
    )
    issuer = Varchar(length=300, default="")
    subject = Varchar(length=255, default="")
    created_at = Timestamptz(default=None, null=False)


class StoredPreferences(Table, tablename="core_preferences"):
    """How somebody likes the screens; the key is the account's."""

    id = UUID(primary_key=True, default=None)
    #: below what they write to customers
    signature = Text(default="")
    theme = Varchar(length=10, default="auto")
    #: whether single keys do something
    keys = Boolean(default=True)
    #: empty for the company's
    time_zone = Varchar(length=60, default="")
    #: ``language`` leaves these to the language of the page
    dates = Varchar(length=20, default="language")
    clock = Varchar(length=20, default="language")
    numbers = Varchar(length=20, default="language")


class Attempts(Table, tablename="core_attempt"):
    """Wrong attempts of one kind on one account or from one address."""

    #: SHA-256 of kind and subject, hexadecimal: unknown e-mails leave no plain trace
    id = Varchar(length=64, primary_key=True, default=None)
    failures = Integer(default=0)
    blocked_until = Timestamptz(default=None, null=True)
    last_at = Timestamptz(default=None, null=False, index=True)
