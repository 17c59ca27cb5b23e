"""Where one-time links lead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relatum.access.accounts.types import LinkPurpose, OneTimeSecret
    from relatum.config.settings import Server

PATHS: dict[LinkPurpose, str] = {
    "first_owner": "/setup",
    "invitation": "/invitation",
    "password_reset": "/password-reset",
}


def path_of(link: OneTimeSecret) -> str:
    """The path and query of a link; the page takes the secret out of the address at once."""
    return f"{PATHS[link.purpose]}?key={link.secret}"


def url_of(link: OneTimeSecret, server: Server) -> str:
    """The whole address, at ``server.public_url`` or where the server listens."""
    host = f"[{server.host}]" if ":" in server.host else server.host
    base = server.public_url.rstrip("/") or f"http://{host}:{server.port}"
    return base + path_of(link)
