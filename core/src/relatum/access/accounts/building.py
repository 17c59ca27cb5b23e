"""Putting the services of this room together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relatum.access.accounts.changes import Changes
from relatum.access.accounts.links import OneTimeLinks
from relatum.access.accounts.oidc import OpenIdConnect
from relatum.access.accounts.passwords import Passwords
from relatum.access.accounts.preferences import PreferenceKeeper
from relatum.access.accounts.second_factor import Encryption, SecondFactor
from relatum.access.accounts.service import Accounts
from relatum.access.accounts.sessions import Sessions
from relatum.access.accounts.signing_in import SignIn
from relatum.access.accounts.throttle import Throttle
from relatum.access.accounts.tokens import Tokens

if TYPE_CHECKING:
    from relatum.access.accounts.roles import RoleKeeper
    from relatum.config.settings import Settings
    from relatum.db.database import Database
    from relatum.events.log import EventLog
    from relatum.hooks.registry import Registry

PRODUCT = "Relatum"


class Doors:
    """The services through which people and services come in; the house has them one by one."""

    def __init__(
        self,
        db: Database,
        events: EventLog,
        registry: Registry,
        *,
        roles: RoleKeeper,
        encryption: Encryption,
        settings: Settings,
    ) -> None:
        company = settings.company.name
        changes, throttle = Changes(db, events), Throttle(db)
        links = OneTimeLinks(db, throttle)
        passwords = Passwords(known=[company] if company else [])
        self.changes = changes
        self.throttle = throttle
        self.preferences = PreferenceKeeper(db)
        self.sessions = Sessions(db, changes)
        self.tokens = Tokens(db, changes, registry, roles=roles, throttle=throttle)
        self.accounts = Accounts(
            db,
            changes,
            roles=roles,
            passwords=passwords,
            sessions=self.sessions,
            tokens=self.tokens,
            links=links,
        )
        self.second_factor = SecondFactor(
            db,
            changes,
            encryption,
            issuer=company or PRODUCT,
            sessions=self.sessions,
            roles=roles,
            throttle=throttle,
        )
        self.sign_in = SignIn(
            db,
            changes,
            passwords=passwords,
            sessions=self.sessions,
            links=links,
            second_factor=self.second_factor,
            throttle=throttle,
        )
        self.openid = OpenIdConnect(
            db,
            changes,
            settings.oidc,
            accounts=self.accounts,
            sign_in=self.sign_in,
            links=links,
        )
