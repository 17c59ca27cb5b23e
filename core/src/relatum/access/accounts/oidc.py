"""Signing in with OpenID Connect (authorization code with PKCE, state and nonce)."""

from __future__ import annotations

import msgspec

from relatum.access.accounts.types import SecondFactorNeeded, SignedIn


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


class OpenIdConnect:
    """Sign-in through the provider of the settings table ``[oidc]``."""

    @property
    def configured(self) -> bool:
        """Whether there is a provider."""
        raise NotImplementedError

    async def depart(self, *, redirect_uri: str, then: str = "/") -> Departure:
        """Begin: the provider's address for this browser.

        Raises:
            NotFound: no provider is configured.
            Unavailable: the provider does not answer.
        """
        raise NotImplementedError

    async def arrive(
        self, *, query: str, browser: str, address: str, user_agent: str = ""
    ) -> Arrival:
        """Finish with the query string that the provider sent the browser back with.

        Raises:
            SignInRefused: the answer is not for this browser, the e-mail is not verified or not
                of an allowed domain, or nobody here has it.
            Unavailable: the provider does not answer.
        """
        raise NotImplementedError
