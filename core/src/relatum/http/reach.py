"""Where requests come from: the names this server answers to, proxies that are believed, scheme."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from relatum.http.problems import ForeignHost
from relatum.values.problems import Refused, RelatumError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relatum.config.settings import Server

_LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
_USUAL_HOSTS = frozenset({"127.0.0.1:8000", "localhost:8000"})
_PORT = re.compile(r":\d{1,5}$")
_SAME_SITE = (None, "same-origin", "none")
_WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - what is refused as a name

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Reach:
    """Who may speak to this server, under which names, through which proxies.

    Loopback names are always served. Others are those of ``server.allowed_hosts``, the host of
    ``server.public_url`` and the address the server listens on.
    """

    def __init__(self, server: Server | None = None) -> None:
        hosts = list(server.allowed_hosts) if server is not None else []
        #: asked for under this name, it is https whatever a proxy makes of it
        self._https_host: str | None = None
        self._proxies: tuple[Network, ...] = ()
        if server is not None:
            public = urlsplit(server.public_url)
            self._https_host = public.hostname if public.scheme == "https" else None
            hosts += [public.hostname or "", server.host]
            self._proxies = tuple(
                ipaddress.ip_network(each, strict=False) for each in server.trusted_proxies
            )
        self._hosts = frozenset(_plain(host) for host in hosts) - _WILDCARDS

    def refusal(
        self, headers: Mapping[bytes, str], *, writes: bool, scheme: str
    ) -> RelatumError | None:
        """Why a request may not come in: a foreign ``Host``, a write for another site."""
        host = headers.get(b"host", "")
        if host and host not in _USUAL_HOSTS and not self._is_ours(host):
            return ForeignHost(
                f"expected a host that this server answers to, got {host[:80]!r}; add it to "
                "server.allowed_hosts in the configuration, or ask for localhost"
            )
        if not writes:
            return None
        origin = headers.get(b"origin")
        foreign = origin is not None and not is_own_origin(origin, host, scheme)
        if foreign or headers.get(b"sec-fetch-site") not in _SAME_SITE:
            said = origin or headers.get(b"sec-fetch-site", "")
            return Refused(
                f"expected a write from a page of this server or from no page, got one from "
                f"{said[:80]!r}; send it from here"
            )
        return None

    def _is_ours(self, host: str) -> bool:
        if _LOOPBACK.fullmatch(host):
            return True
        return bool(self._hosts) and _name(host) in self._hosts

    def address(self, scope: Any, headers: Mapping[bytes, str]) -> str:
        """The address of the caller; behind trusted proxies the one that they tell."""
        client = scope.get("client")
        address = str(client[0]) if client else ""
        said = headers.get(b"x-forwarded-for")
        if said is None or not self._proxies or not self._is_trusted(address):
            return address
        for hop in reversed(said.split(",")):
            caller = _address_in(hop)
            if caller is None:
                return address
            address = caller
            if not self._is_trusted(caller):
                break
        return address

    def scheme(self, scope: Any, headers: Mapping[bytes, str]) -> str:
        """``https`` or ``http``, as the browser of the caller sees it."""
        said = headers.get(b"x-forwarded-proto")
        if said is not None and self._proxies:
            client = scope.get("client")
            if client and self._is_trusted(str(client[0])):
                return "https" if said.strip().lower() == "https" else "http"
        if self._https_host is not None and _name(headers.get(b"host", "")) == self._https_host:
            return "https"
        return str(scope.get("scheme", "http"))

    def _is_trusted(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._proxies)


def is_own_origin(origin: str, host: str, scheme: str) -> bool:
    """Whether an ``Origin`` is this server; over https only an https page is."""
    said, found, rest = origin.partition("://")
    if not found or not host or rest.lower() != host.lower():
        return False
    return said == "https" or scheme != "https"


def _address_in(hop: str) -> str | None:
    """One entry of ``X-Forwarded-For``, without a port; ``None`` when it is no address."""
    text = hop.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _name(host: str) -> str:
    """The name in a ``Host`` header."""
    return _plain(_PORT.sub("", host))


def _plain(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").lower()
