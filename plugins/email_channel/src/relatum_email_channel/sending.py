"""Handing mail over to an SMTP server, one connection for each batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from aiosmtplib import SMTP, SMTPException, SMTPResponseException
from aiosmtplib.errors import SMTPTimeoutError

from relatum.api import Parcel, Receipt
from relatum_email_channel.answers import meaning, said
from relatum_email_channel.letters import letter, message_id
from relatum_email_channel.settings import Settings

Outcome = Literal["sent", "failed", "bounced", "later", "untried", "unknown"]
#: Nothing of a message has gone over yet when one of these happens.
_TROUBLE = (SMTPException, SMTPTimeoutError, OSError, EOFError)


async def send_all(parcels: Sequence[Parcel], settings: Settings) -> list[Receipt]:
    """What the server says of each of these."""
    client = _client(settings)
    try:
        await client.connect()
        await _sign_in(client, settings)
    except _TROUBLE as error:
        client.close()
        return [_receipt(each, "later", _told(error)) for each in parcels]
    try:
        return [await _send(client, each, settings) for each in parcels]
    finally:
        await _leave(client)


async def _send(client: SMTP, parcel: Parcel, settings: Settings) -> Receipt:
    if not parcel.permit.is_fresh:
        return _receipt(parcel, "untried", "")
    try:
        content = letter(parcel, settings).as_bytes()
    except ValueError as error:
        return _receipt(parcel, "failed", f"it cannot be written as an e-mail: {error}")
    refusal = await _announce(client, parcel, settings)
    if refusal is not None:
        return refusal
    try:
        answer = await client.data(content)
    except SMTPResponseException as error:
        if error.code <= 0:  # no answer at all
            return _receipt(parcel, "unknown", _told(error))
        outcome = meaning(error.code, str(error.message), of_recipient=False)
        return await _refused(client, parcel, outcome, said(error.code, str(error.message)))
    except _TROUBLE as error:
        return _receipt(parcel, "unknown", _told(error))
    return _receipt(parcel, "sent", said(answer.code, answer.message), message_id(parcel, settings))


async def _announce(client: SMTP, parcel: Parcel, settings: Settings) -> Receipt | None:
    """Sender and recipient; nothing of the mail itself is said yet. None when both are taken."""
    of_recipient = False
    try:
        await client.mail(settings.sender_address)
        of_recipient = True
        await client.rcpt(parcel.permit.address)
    except SMTPResponseException as error:
        outcome: Outcome = "later"
        if error.code > 0:
            outcome = meaning(error.code, str(error.message), of_recipient=of_recipient)
        if not of_recipient and outcome == "bounced":
            outcome = "failed"  # it is our own address that does not exist
        return await _refused(client, parcel, outcome, said(error.code, str(error.message)))
    except _TROUBLE as error:
        return _receipt(parcel, "later", _told(error))
    except UnicodeEncodeError:
        return await _refused(client, parcel, "failed", "the address is not in ASCII")
    return None


async def _refused(client: SMTP, parcel: Parcel, outcome: Outcome, detail: str) -> Receipt:
    """Begin anew for the next message of the batch."""
    try:
        await client.rset()
    except _TROUBLE:
        client.close()
    return _receipt(parcel, outcome, detail)


async def _sign_in(client: SMTP, settings: Settings) -> None:
    if settings.username:
        await client.login(settings.username, await _password(settings))


async def _password(settings: Settings) -> str:
    if not settings.password_file:
        return settings.password
    text = await asyncio.to_thread(Path(settings.password_file).read_text, encoding="utf-8")
    return text.strip()


async def _leave(client: SMTP) -> None:
    try:
        await client.quit()
    except _TROUBLE:
        client.close()


def _client(settings: Settings) -> SMTP:
    return SMTP(
        hostname=settings.host,
        port=settings.port,
        timeout=settings.timeout,
        use_tls=settings.security == "tls",
        start_tls=settings.security == "starttls",
    )


def _receipt(parcel: Parcel, outcome: Outcome, detail: str, reference: str = "") -> Receipt:
    return Receipt(message=parcel.message, outcome=outcome, detail=detail, reference=reference)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
