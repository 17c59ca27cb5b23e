"""What a customer agrees to, as they say themselves on the page behind their link."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from relatum.api import (
    ConsentDraft,
    ConsentEntry,
    Plugin,
    Preference,
    Proof,
    Text,
    WithdrawalDraft,
    as_the_house,
    last_word,
    now,
)
from relatum_consent.services.requests import Requests
from relatum_consent.types import Link, Request, RequestDraft, RequestKind

BY = "plugin:consent"
#: Channels that the page asks about: what they are called, and the contact points they reach.
CHANNELS: dict[str, tuple[Text, str]] = {
    "call": (Text(en="telephone", vi="điện thoại"), "phone"),
    "sms": (Text(en="SMS", vi="tin nhắn SMS"), "phone"),
    "email": (Text(en="e-mail", vi="email"), "email"),
    "zalo": (Text(en="Zalo", vi="Zalo"), "zalo"),
}
AGREED = Text(
    en="I agree that %(company)s contacts me by %(channel)s about: %(purpose)s.",
    vi="Tôi đồng ý để %(company)s liên hệ với tôi qua %(channel)s về: %(purpose)s.",
)
TAKEN_BACK = Text(
    en="I no longer agree that %(company)s contacts me by %(channel)s about: %(purpose)s.",
    vi="Tôi không còn đồng ý để %(company)s liên hệ với tôi qua %(channel)s về: %(purpose)s.",
)
NOBODY = Text(en="the company", vi="doanh nghiệp")


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One purpose by one channel.

    Attributes:
        key: ``<purpose>:<channel>``.
        words: what is agreed to, in the language of the page; the proof keeps them.
    """

    key: str
    purpose: str
    channel: str
    words: str
    refusal: str
    agreed: bool


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows; of the customer no more than shortened addresses."""

    options: list[Option]
    addresses: list[str]
    wish: Preference
    requests: list[Request]


class Preferences:
    """Reads and writes for whoever has the link: nobody signs in there."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._house = plugin.house
        self._contact = plugin.house.contact

    async def shown(self, link: Link, language: str) -> Shown:
        """The page of a link that is good."""
        with as_the_house():
            customer = await self._house.customers.get(link.customer)
            lines = await self._contact.consents.of(link.customer)
            wish = await self._contact.wishes.preference_of(link.customer)
            requests = await Requests(self._plugin).open_of(link.customer)
        kinds = {point.kind for point in customer.contact_points}
        points = [(p.kind, p.raw) for p in customer.contact_points if p.kind in ("phone", "email")]
        return Shown(
            options=list(self._options(lines, kinds, language)),
            addresses=[shortened(kind, raw) for kind, raw in points],
            wish=wish,
            requests=requests,
        )

    async def choose(
        self, link: Link, agreed: Collection[str], wish: Preference, *, language: str, address: str
    ) -> None:
        """Write down what changed: consents with their words, and quiet hours.

        Raises:
            InvalidInput: the quiet hours have one end.
        """
        shown = await self.shown(link, language)
        given = [each for each in shown.options if each.key in agreed and not each.agreed]
        taken = [each for each in shown.options if each.key not in agreed and each.agreed]
        place = self._place(link, address)
        with as_the_house():
            async with self._house.db.transaction():
                await self._grant(link, given, place)
                await self._take_back(link, taken, place)
                kept = msgspec.structs.replace(wish, restricted=shown.wish.restricted)
                if kept != shown.wish:
                    await self._contact.wishes.prefer(link.customer, kept, by=BY)

    async def stop_everything(self, link: Link, *, address: str) -> None:
        """Take back every consent, for all channels, also those the page does not show."""
        place = self._place(link, address)
        with as_the_house():
            lines = await self._contact.consents.of(link.customer)
            purposes = {each.purpose for each in lines if each.state == "granted"}
            drafts = [
                WithdrawalDraft(
                    customer=link.customer, purpose=each, method="preference_page", note=place
                )
                for each in sorted(purposes & self._contact.profile.purpose.keys())
                if not _all_taken_back(lines, each)
            ]
            if drafts:
                await self._contact.consents.withdraw(drafts, by=BY)

    async def ask(self, link: Link, kind: RequestKind, *, address: str) -> Request:
        """Ask for their data, or for its erasure; an open request of the kind is not repeated."""
        draft = RequestDraft(customer=link.customer, kind=kind, source="preference_page")
        with as_the_house():
            return await Requests(self._plugin).receive_once(
                msgspec.structs.replace(draft, words=self._place(link, address)), by=BY
            )

    def _options(
        self, lines: Iterable[ConsentEntry], kinds: Collection[str], language: str
    ) -> Iterable[Option]:
        oldest_first = list(reversed(list(lines)))
        company = self._house.settings.company.name or NOBODY.in_language(language)
        for purpose in self._contact.profile.purposes:
            for channel, (title, kind) in CHANNELS.items():
                if not purpose.consent or kind not in kinds:
                    continue
                holes = {
                    "company": company,
                    "channel": title.in_language(language),
                    "purpose": purpose.title.in_language(language),
                }
                yield Option(
                    key=f"{purpose.id}:{channel}",
                    purpose=purpose.id,
                    channel=channel,
                    words=AGREED.in_language(language) % holes,
                    refusal=TAKEN_BACK.in_language(language) % holes,
                    agreed=_stands(last_word(oldest_first, purpose.id, channel)),
                )

    async def _grant(self, link: Link, options: list[Option], place: str) -> None:
        drafts = [
            ConsentDraft(
                customer=link.customer,
                purpose=each.purpose,
                channel=each.channel,
                proof=Proof(method="preference_page", wording=each.words, where=place),
            )
            for each in options
        ]
        if drafts:
            await self._contact.consents.grant(drafts, by=BY)

    async def _take_back(self, link: Link, options: list[Option], place: str) -> None:
        drafts = [
            WithdrawalDraft(
                customer=link.customer,
                purpose=each.purpose,
                channel=each.channel,
                method="preference_page",
                note=f"{each.refusal[:350]} ({place})",
            )
            for each in options
        ]
        if drafts:
            await self._contact.consents.withdraw(drafts, by=BY)

    def _place(self, link: Link, address: str) -> str:
        """The proof: which link, and a keyed hash of where it was used from."""
        hashed = self._contact.addresses.hashed("network", address)
        return f"preference link {link.id}, from {hashed[:16]}"


def shortened(kind: str, raw: str) -> str:
    """Enough of an address for its owner to know it: ``•••• 678``, ``m•••@example.com``."""
    if kind == "email":
        name, _, host = raw.partition("@")
        return f"{name[:1]}•••@{host}"
    return f"•••• {raw.strip()[-3:]}"


def _stands(line: Any) -> bool:
    if line is None or line.state != "granted":
        return False
    return line.expires_at is None or line.expires_at > now()


def _all_taken_back(lines: list[ConsentEntry], purpose: str) -> bool:
    """Whether nothing about a purpose was granted since it was taken back for all channels."""
    for line in lines:  # the newest first
        if line.purpose == purpose:
            if line.state == "granted":
                return False
            if line.channel == "*":
                return True
    return False
