"""What the e-mail channel adds to Relatum: hook implementations only, each delegates."""

from __future__ import annotations

from collections.abc import Sequence

from relatum.api import Channel, Parcel, Plugin, Receipt, Text, hookimpl
from relatum_email_channel.sending import send_all

#: Mail of one connection; permits last for four seconds, what is left then is handed over anew.
BATCH = 20


@hookimpl
def relatum_register_channels(plugin: Plugin) -> list[Channel]:
    if not plugin.settings.is_complete:
        return []  # messages wait until it is
    return [
        Channel(
            id="email_channel.smtp",
            title=Text(en="E-mail", vi="Thư điện tử"),
            channel="email",
            batch=BATCH,
            subject=True,
        )
    ]


@hookimpl
async def relatum_send(plugin: Plugin, parcels: Sequence[Parcel]) -> list[Receipt]:
    return await send_all(parcels, plugin.settings)
