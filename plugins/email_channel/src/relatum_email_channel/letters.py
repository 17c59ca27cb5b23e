"""A message as an e-mail: headers, text, HTML, and the way to unsubscribe."""

from __future__ import annotations

import datetime as dt
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape

from relatum.api import Parcel, now
from relatum_email_channel.settings import Settings

UNSUBSCRIBE = "Từ chối nhận thư / Unsubscribe"


def letter(parcel: Parcel, settings: Settings, *, at: dt.datetime | None = None) -> EmailMessage:
    """The e-mail; its ``Message-ID`` is the same in every attempt.

    Raises:
        ValueError: an address or a name cannot stand in a header.
    """
    mail = EmailMessage(policy=policy.SMTP)
    mail["Message-ID"] = message_id(parcel, settings)
    mail["Date"] = format_datetime(at or now())
    name = parcel.sender or settings.sender_name
    mail["From"] = Address(name, addr_spec=settings.sender_address)
    mail["To"] = Address(addr_spec=parcel.permit.address)
    if settings.reply_to:
        mail["Reply-To"] = Address(addr_spec=settings.reply_to)
    mail["Subject"] = parcel.content.subject
    mail["Auto-Submitted"] = "auto-generated"
    if parcel.unsubscribe:
        mail["List-Unsubscribe"] = f"<{parcel.unsubscribe}>"
        if parcel.unsubscribe.startswith("https://"):
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(_text(parcel))
    if parcel.content.html:
        mail.add_alternative(_html(parcel), subtype="html")
    return mail


def message_id(parcel: Parcel, settings: Settings) -> str:
    """By the key of the message and the domain of the sender (RFC 5322, 3.6.4)."""
    return f"<{parcel.key}@{settings.sender_address.rpartition('@')[2]}>"


def _text(parcel: Parcel) -> str:
    if not parcel.unsubscribe:
        return parcel.content.text
    return f"{parcel.content.text}\n\n-- \n{UNSUBSCRIBE}: {parcel.unsubscribe}\n"


def _html(parcel: Parcel) -> str:
    html = parcel.content.html
    if not parcel.unsubscribe:
        return html
    link = f'<p><a href="{escape(parcel.unsubscribe)}">{UNSUBSCRIBE}</a></p>'
    body, end, rest = html.rpartition("</body>")
    return f"{body}{link}{end}{rest}" if end else f"{html}{link}"
