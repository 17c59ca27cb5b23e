"""The provider of OpenID Connect: what it says of itself, its keys, and exchanging a code.

Discovery (OpenID Connect Discovery 1.0), the token request (RFC 6749, section 4.1.3, with PKCE of
RFC 7636) and the checks on the ID token (OpenID Connect Core 1.0, section 3.1.3.7). Authlib forms
the requests and checks the claims; joserfc checks the signature.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import msgspec

from relatum.access.accounts.problems import SignInRefused
from relatum.values.problems import Unavailable

if TYPE_CHECKING:
    import httpx
    from joserfc.jwk import KeySet

    from relatum.config.settings import OpenId

SECONDS = 10.0
#: How long what the provider says of itself is remembered.
REMEMBERED = 3600.0
#: A key that is not known makes us ask again, but not more often than this.
ASKED_AGAIN = 60.0
LEEWAY = 60
SCOPE = "openid profile email"
#: Signatures with a key that only the provider has; never ``none`` or a shared secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
LARGEST = 512 * 1024


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What we need of the provider's configuration."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Vouched(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the provider vouches for."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser came back with, and what we remembered of its departure."""

    code: str
    redirect_uri: str
    verifier: str
    nonce: str

    def __repr__(self) -> str:
        return "Grant(…)"


class Provider:
    """The provider of the settings, asked over HTTP."""

    def __init__(self, settings: OpenId) -> None:
        self._settings = settings
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._turn = asyncio.Lock()

    async def address(self, *, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where to send a browser.

        Raises:
            Unavailable: the provider does not answer.
        """
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        metadata = await self.metadata()
        return str(
            prepare_grant_uri(
                metadata.authorization_endpoint,
                self._settings.client_id,
                "code",
                redirect_uri=redirect_uri,
                scope=SCOPE,
                state=state,
                nonce=nonce,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
            )
        )

    async def redeem(self, grant: Grant) -> Vouched:
        """Exchange a code for whom it stands for.

        Raises:
            SignInRefused: the provider does not take the code, or its answer does not check.
            Unavailable: the provider does not answer.
        """
        metadata = await self.metadata()
        answer = await self._token(metadata, grant)
        claims = await self._claims(metadata, answer, grant.nonce)
        if not claims.get("email") and metadata.userinfo_endpoint:
            more = await self._userinfo(metadata, str(answer.get("access_token", "")))
            if more.get("sub") != claims["sub"]:
                raise _not_checked("the provider spoke of two people")
            claims = {**more, **claims}
        return Vouched(
            issuer=metadata.issuer,
            subject=str(claims["sub"]),
            email=str(claims.get("email") or ""),
            email_verified=_is_true(claims.get("email_verified", self._settings.trust_emails)),
            name=str(claims.get("name") or ""),
        )

    async def metadata(self) -> Metadata:
        """What the provider says of itself.

        Raises:
            Unavailable: it does not answer, or answers for another issuer.
        """
        async with self._turn:
            known = self._metadata
            if known is not None and time.monotonic() - known[0] < REMEMBERED:
                return known[1]
            issuer = self._settings.issuer
            body = await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            try:
                metadata = msgspec.json.decode(body, type=Metadata)
            except msgspec.DecodeError as error:
                raise _unavailable("its configuration cannot be read") from error
            if metadata.issuer != issuer:
                raise _unavailable(
                    f"it calls itself {metadata.issuer[:200]!r}, and oidc.issuer says {issuer!r}"
                )
            self._metadata = (time.monotonic(), metadata)
            return metadata

    async def _token(self, metadata: Metadata, grant: Grant) -> dict[str, Any]:
        from authlib.oauth2.auth import ClientAuth
        from authlib.oauth2.rfc6749.parameters import prepare_token_request

        body = prepare_token_request(
            "authorization_code",
            redirect_uri=grant.redirect_uri,
            code=grant.code,
            code_verifier=grant.verifier,
        )
        client = ClientAuth(
            self._settings.client_id, self._settings.client_secret, self._auth_method(metadata)
        )
        uri, headers, body = client.prepare(
            "POST",
            metadata.token_endpoint,
            {
                "Accept": "application/json",
                "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
            },
            body,
        )
        status, answer = await self._send("POST", uri, headers=headers, content=body)
        try:
            decoded = msgspec.json.decode(answer, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise _unavailable("its answer to the code cannot be read") from error
        if status != 200:
            said = str(decoded.get("error", status))[:80]
            if said in {"invalid_client", "unauthorized_client"}:
                raise _unavailable("it does not know this installation; check client id and secret")
            raise _not_checked(f"the provider did not take the code ({said})")
        return decoded

    def _auth_method(self, metadata: Metadata) -> str:
        if not self._settings.client_secret:
            return "none"
        offered = metadata.token_endpoint_auth_methods_supported
        return "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"

    async def _claims(
        self, metadata: Metadata, answer: dict[str, Any], nonce: str
    ) -> dict[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        id_token = answer.get("id_token")
        if not isinstance(id_token, str):
            raise _not_checked("the provider sent no ID token")
        try:
            try:
                token = jwt.decode(id_token, await self._key_set(metadata), ALGORITHMS)
            except InvalidKeyIdError:
                # the provider has changed its keys
                keys = await self._key_set(metadata, again=True)
                token = jwt.decode(id_token, keys, ALGORITHMS)
            client_id = self._settings.client_id
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": metadata.issuer},
                    "aud": {"essential": True, "value": client_id},
                    "sub": {"essential": True},
                },
                params={
                    "nonce": nonce,
                    "client_id": client_id,
                    "access_token": answer.get("access_token"),
                },
            )
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError) as error:
            raise _not_checked(f"its ID token is not good ({type(error).__name__})") from error
        return dict(claims)

    async def _key_set(self, metadata: Metadata, *, again: bool = False) -> KeySet:
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        async with self._turn:
            known, moment = self._keys, time.monotonic()
            if known is not None and moment - known[0] < (ASKED_AGAIN if again else REMEMBERED):
                return known[1]
            body = await self._get(metadata.jwks_uri)
            try:
                keys = KeySet.import_key_set(msgspec.json.decode(body))
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise _unavailable("its keys cannot be read") from error
            self._keys = (moment, keys)
            return keys

    async def _userinfo(self, metadata: Metadata, access_token: str) -> dict[str, Any]:
        body = await self._get(metadata.userinfo_endpoint, bearer=access_token)
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise _unavailable("what it knows of the person cannot be read") from error

    async def _get(self, url: str, *, bearer: str = "") -> bytes:
        headers = {"Accept": "application/json"}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        status, body = await self._send("GET", url, headers=headers)
        if status != 200:
            raise _unavailable(f"it answers {status}")
        return body

    async def _send(self, method: str, url: str, **request: Any) -> tuple[int, bytes]:
        import httpx

        try:
            async with _client() as client, client.stream(method, url, **request) as answer:
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > LARGEST:
                        raise _unavailable("its answer is too large")
                return answer.status_code, body
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unavailable(f"{type(error).__name__}") from error


def _is_true(value: object) -> bool:
    """JSON's ``true``; some providers write it as text."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _client() -> httpx.AsyncClient:
    import httpx

    return httpx.AsyncClient(timeout=SECONDS, follow_redirects=False)


def _unavailable(why: str) -> Unavailable:
    return Unavailable(
        f"The provider of OpenID Connect cannot be used at the moment: {why}. Sign in with a "
        "password, or try again later"
    )


def _not_checked(why: str) -> SignInRefused:
    return SignInRefused(
        f"expected an answer of the provider that checks, got another one: {why}; begin again"
    )
