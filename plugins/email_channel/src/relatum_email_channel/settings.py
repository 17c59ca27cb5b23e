"""Settings of the e-mail channel, from ``[plugins.email_channel]``."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

#: Names of this machine itself, the only ones that are spoken to in clear.
HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Through which server mail goes, and from whom. Without host and sender nothing is sent."""

    host: Annotated[str, Meta(max_length=253)] = ""
    """The SMTP server of your provider."""
    port: Annotated[int, Meta(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    """``none`` is for a server on this machine alone."""
    username: Annotated[str, Meta(max_length=300)] = ""
    password: Annotated[str, Meta(max_length=300)] = ""
    password_file: Annotated[str, Meta(max_length=1_000)] = ""
    """Path of a file that holds the password; read when mail is sent."""
    sender_address: Annotated[str, Meta(max_length=254, pattern=r"^([!-?A-~]+@[!-?A-~]+)?$")] = ""
    sender_name: Annotated[str, Meta(max_length=100, pattern=r"^[^\x00-\x1f]*\Z")] = ""
    reply_to: Annotated[str, Meta(max_length=254, pattern=r"^([!-?A-~]+@[!-?A-~]+)?$")] = ""
    timeout: Annotated[float, Meta(gt=0, le=20)] = 10.0
    """Seconds for each step with the server."""

    def __post_init__(self) -> None:
        if self.security == "none" and self.host and self.host not in HERE:
            raise ValueError(
                f"expected security starttls or tls for {self.host!r}, got none; mail and password "
                "would go over in clear"
            )
        if self.password and self.password_file:
            raise ValueError("expected password or password_file, got both; leave one out")

    @property
    def is_complete(self) -> bool:
        """Whether mail can be sent."""
        return bool(self.host and self.sender_address)
