"""Signing in with OpenID Connect (authorization code with PKCE, state and nonce)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qs
from uuid import UUID

import msgspec

from relatum.access.accounts import events as facts
from relatum.access.accounts.digests import digest_of, new_secret
from relatum.access.accounts.problems import LinkSpent, SignInRefused
from relatum.access.accounts.provider import Grant, Provider, Vouched
from relatum.access.accounts.rows import clean_email, printable
from relatum.access.accounts.types import InvitationDraft, SecondFactorNeeded, SignedIn
from relatum.access.viewer import SYSTEM, acting_as
from relatum.values.ids import new_id
from relatum.values.problems import InvalidInput, NotFound
from relatum.values.time import now

if TYPE_CHECKING:
    from relatum.access.accounts.changes import Changes
    from relatum.access.accounts.links import OneTimeLinks
    from relatum.access.accounts.service import Accounts
    from relatum.access.accounts.signing_in import SignIn
    from relatum.config.settings import OpenId
    from relatum.db.database import Database

BY = "system"


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """Where to send the browser, and what to remember of it until it comes back.

    Attributes:
        url: at the provider.
        browser: goes into a short-lived cookie, so that only this browser can finish.
    """

    url: str
    browser: str

    def __repr__(self) -> str:
        return "Departure(…)"


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom the provider vouched for, and where they wanted to go."""

    signed_in: SignedIn | SecondFactorNeeded
    then: str


class _Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What a departure leaves here until its browser comes back."""

    browser: str
    nonce: str
    verifier: str
    redirect_uri: str
    then: str

    def __repr__(self) -> str:
        return "_Remembered(…)"


class OpenIdConnect:
    """Sign-in through the provider of the settings table ``[oidc]``."""

    def __init__(
        self,
        db: Database,
        changes: Changes,
        settings: OpenId,
        *,
        accounts: Accounts,
        sign_in: SignIn,
        links: OneTimeLinks,
    ) -> None:
        self._db = db
        self._changes = changes
        self._settings = settings
        self._accounts = accounts
        self._sign_in = sign_in
        self._links = links
        self._provider = Provider(settings)

    @property
    def configured(self) -> bool:
        """Whether there is a provider."""
        return bool(self._settings.issuer)

    async def depart(self, *, redirect_uri: str, then: str = "/") -> Departure:
        """Begin: the provider's address for this browser.

        Raises:
            NotFound: no provider is configured.
            Unavailable: the provider does not answer.
        """
        self._expect_configured()
        browser, nonce, verifier = new_secret(), new_secret(), new_secret()
        remembered = _Remembered(
            browser=digest_of(browser),
            nonce=nonce,
            verifier=verifier,
            redirect_uri=redirect_uri,
            then=then,
        )
        # asked first: what cannot depart leaves nothing here
        await self._provider.metadata()
        state, _ = await self._links.make("openid", None, msgspec.to_builtins(remembered))
        url = await self._provider.address(
            redirect_uri=redirect_uri, state=state, nonce=nonce, verifier=verifier
        )
        return Departure(url=url, browser=browser)

    async def arrive(
        self, *, query: str, browser: str, address: str, user_agent: str = ""
    ) -> Arrival:
        """Finish with the query string that the provider sent the browser back with.

        Raises:
            NotFound: no provider is configured.
            SignInRefused: the answer is not for this browser, the e-mail is not verified or not
                of an allowed domain, or nobody here has it.
            TooManyAttempts: this address guesses.
            Unavailable: the provider does not answer.
        """
        self._expect_configured()
        said = {name: values[0] for name, values in parse_qs(query).items()}
        remembered = await self._recall(said.get("state", ""), browser, address)
        if "code" not in said:
            raise SignInRefused(
                f"expected a code of the provider, got {said.get('error', 'nothing')[:80]!r}; "
                "begin again"
            )
        if said.get("iss", self._settings.issuer) != self._settings.issuer:
            raise SignInRefused("expected an answer of our provider, got one of another")
        vouched = await self._provider.redeem(
            Grant(
                code=said["code"],
                redirect_uri=remembered.redirect_uri,
                verifier=remembered.verifier,
                nonce=remembered.nonce,
            )
        )
        account = await self._account_of(vouched, address)
        if (await self._accounts.get(account)).second_factor:
            needed = await self._sign_in.ask_for_code(account, way="openid")
            return Arrival(signed_in=needed, then=remembered.then)
        signed_in = await self._sign_in.open(
            account, "openid", address=address, user_agent=user_agent
        )
        return Arrival(signed_in=signed_in, then=remembered.then)

    async def _recall(self, state: str, browser: str, address: str) -> _Remembered:
        try:
            link = await self._links.open("openid", state, address=address)
            remembered = msgspec.convert(link.data, _Remembered)
            # compared before the link is spent: a stranger cannot spoil somebody's sign-in
            if not secrets.compare_digest(remembered.browser, digest_of(browser)):
                raise _other_browser()
            await self._links.use(link)
        except LinkSpent:
            raise _other_browser() from None
        return remembered

    async def _account_of(self, vouched: Vouched, address: str) -> UUID:
        """The account of whom the provider vouches for; linked or made when it may be."""
        email = self._accepted_email(vouched)
        if email is None:
            await self._refuse(None, address)
            raise _not_here()
        account = await self._linked(vouched)
        if account is not None:
            return account
        found = await self._accounts.by_email(email)
        if found is not None and found.state in ("active", "invited"):
            return await self._link(found.id, vouched, invited=found.state == "invited")
        if found is not None or not self._settings.create_role:
            await self._refuse(None if found is None else found.id, address)
            raise _not_here()
        return await self._make(vouched, email)

    def _accepted_email(self, vouched: Vouched) -> str | None:
        """The e-mail, when the provider has verified it and its domain is allowed."""
        if not vouched.email_verified:
            return None
        try:
            email = clean_email(vouched.email)
        except InvalidInput:
            return None
        allowed = [domain.lower() for domain in self._settings.allowed_domains]
        return email if not allowed or email.rpartition("@")[2] in allowed else None

    async def _linked(self, vouched: Vouched) -> UUID | None:
        row = await self._db.fetch_one(
            "SELECT account_id FROM core_identity WHERE issuer = ? AND subject = ?",
            *(vouched.issuer, vouched.subject),
        )
        return None if row is None else row[0]

    async def _link(self, account: UUID, vouched: Vouched, *, invited: bool) -> UUID:
        by = f"person:{account}"
        async with self._db.transaction():
            await self._db.insert(
                "core_identity",
                ("id", "account_id", "issuer", "subject", "created_at"),
                [(new_id(), account, vouched.issuer, vouched.subject, now())],
            )
            if invited:
                await self._accounts.activate(account, by=by)
            fact = facts.IdentityLinked(account, vouched.issuer)
            await self._changes.record(account, facts.LINKED, fact, by=by)
        return account

    async def _make(self, vouched: Vouched, email: str) -> UUID:
        name = " ".join(vouched.name.split())[:200] or email.partition("@")[0]
        draft = InvitationDraft(name=name, email=email, roles=[self._settings.create_role])
        async with self._db.transaction():
            # the settings say which role newcomers have; whoever signs in holds none yet
            with acting_as(SYSTEM):
                account = await self._accounts.add(draft, by=BY)
            return await self._link(account.id, vouched, invited=False)

    async def _refuse(self, account: UUID | None, address: str) -> None:
        fact = facts.SignInRefused(account, "not_allowed", "openid", printable(address)[:64])
        await self._changes.record(account, facts.REFUSED, fact, by="anonymous")

    def _expect_configured(self) -> None:
        if not self.configured:
            raise NotFound("expected a provider in the settings table [oidc], got none")


def _other_browser() -> SignInRefused:
    return SignInRefused(
        "expected the answer to a sign-in that this browser began within ten minutes, got another "
        "one; begin again"
    )


def _not_here() -> SignInRefused:
    return SignInRefused(
        "expected somebody with a verified e-mail who has an account here, got somebody else; ask "
        "for an invitation"
    )
