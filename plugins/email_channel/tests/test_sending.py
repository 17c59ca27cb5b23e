"""Whole messages through a house and a real SMTP server of the test's own."""

from __future__ import annotations

import email
import socket
from collections.abc import Iterator
from email import policy
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from aiosmtplib import SMTPException

from relatum.api import (
    ConsentDraft,
    ContactPointDraft,
    Content,
    CustomerDraft,
    Message,
    MessageDraft,
    Proof,
    new_id,
)
from relatum.app.house import House
from relatum.config.settings import Plugins
from relatum.config.settings import Server as ServerSettings
from relatum.config.settings import Settings as HouseSettings

PROOF = Proof(method="form", wording="I want to hear of offers.", where="https://shop.example/yes")


class Post:
    """Keeps what comes, and answers as it is told."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.to: list[str] = []
        self.rcpt = ""
        self.data = "250 2.0.0 queued"
        self.hang_up = False
        self.signed_in: list[str] = []

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd calls it
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.rcpt:
            return self.rcpt
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(email.message_from_bytes(envelope.content, policy=policy.default))
        self.to += envelope.rcpt_tos
        if self.hang_up:
            server.transport.abort()
        return self.data

    def authenticate(self, *asked: Any) -> AuthResult:
        said = asked[4]
        self.signed_in.append(said.login.decode())
        return AuthResult(success=said.password == b"tresor", handled=False)


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def server(post: Post) -> Iterator[Controller]:
    controller = Controller(
        post,
        hostname="127.0.0.1",
        port=_free_port(),
        authenticator=post.authenticate,
        auth_require_tls=False,
    )
    controller.start()
    yield controller
    controller.stop()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@pytest.fixture
def house_settings(house_settings: HouseSettings, server: Controller) -> HouseSettings:
    channel = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "sender_address": "chao@shop.example",
        "sender_name": "Cửa hàng Ví Dụ",
        "timeout": 2.0,
    }
    return msgspec.structs.replace(
        house_settings,
        plugins=Plugins(plugin_settings={"email_channel": channel}),
        server=ServerSettings(public_url="https://crm.example"),
    )


@pytest.fixture
async def customer(house: House) -> UUID:
    points = [ContactPointDraft(kind="email", raw="Lan@Example.com")]
    draft = CustomerDraft(display_name="Lan", contact_points=points)
    (id,) = await house.customers.create([draft], by="test")
    await house.contact.consents.grant(
        [ConsentDraft(customer=id, purpose="advertising", proof=PROOF)], by="test"
    )
    return id


async def sent(house: House, customer: UUID, **changes: Any) -> Message:
    content = changes.pop("content", Content(subject="Lịch hẹn", text="Hẹn gặp chị lúc 9 giờ."))
    wanted = {"channel": "email", "purpose": "service", "content": content, **changes}
    (message,) = await house.contact.outbox.send(
        [MessageDraft(customer=customer, **wanted)], by="test"
    )
    assert message.state == "planned", message
    await house.contact.outbox.posting.run(new_id())
    return await house.contact.outbox.get(message.id)


async def test_a_message_arrives_whole(house: House, customer: UUID, post: Post) -> None:
    message = await sent(house, customer)
    (mail,) = post.mails
    assert message.state == "sent"
    assert post.to == ["lan@example.com"]
    assert mail["Message-ID"] == f"<{message.id}@shop.example>" == message.provider_reference
    assert mail["Subject"] == "Lịch hẹn"
    assert mail["From"].addresses[0].display_name == "Cửa hàng Ví Dụ"
    assert mail.get_content().strip() == "Hẹn gặp chị lúc 9 giờ."
    assert mail["List-Unsubscribe"] is None, "an appointment needs no consent"


async def test_advertising_says_how_to_unsubscribe_with_one_click(
    house: House, customer: UUID, post: Post
) -> None:
    content = Content(subject="Ưu đãi", text="Giảm 10 %.", html="<body><p>Giảm</p></body>")
    await sent(house, customer, purpose="advertising", content=content)
    (mail,) = post.mails
    address = mail["List-Unsubscribe"].strip("<>")
    assert address.startswith("https://crm.example/unsubscribe/")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, html = (part.get_content() for part in mail.iter_parts())
    assert address in text
    assert f'<a href="{address}">' in html
    way = house.contact.outbox.unsubscribing.read(address.rpartition("/")[2])
    assert (way.customer, way.purpose) == (customer, "advertising")


async def test_an_address_that_does_not_exist_gets_nothing_more(
    house: House, customer: UUID, post: Post
) -> None:
    post.rcpt = "550 5.1.1 User unknown"
    message = await sent(house, customer)
    assert (message.state, message.detail) == ("bounced", "550 5.1.1 User unknown")
    content = Content(text="Again")
    draft = MessageDraft(customer=customer, channel="email", purpose="service", content=content)
    (again,) = await house.contact.outbox.send([draft], by="test")
    assert (again.state, again.reasons[0].rule) == ("denied", "bounced")


@pytest.mark.parametrize(
    ("rcpt", "data", "state"),
    [
        ("450 4.2.0 Greylisted", "", "planned"),
        ("550 5.7.1 Refused", "", "failed"),
        ("", "451 4.3.0 Try later", "planned"),
        ("", "554 5.7.1 Spam", "failed"),
    ],
)
async def test_refusals_are_tried_again_or_have_failed(
    house: House, customer: UUID, post: Post, rcpt: str, data: str, state: str
) -> None:
    post.rcpt, post.data = rcpt, data or post.data
    message = await sent(house, customer)
    assert (message.state, message.attempts) == (state, 1)
    assert (message.due_at is not None) == (state == "planned")
    assert message.detail == (rcpt or data)


async def test_a_connection_that_is_lost_while_mail_goes_over_is_uncertain(
    house: House, customer: UUID, post: Post
) -> None:
    post.hang_up = True
    message = await sent(house, customer)
    assert message.state == "uncertain"
    await house.contact.outbox.posting.run(new_id())
    assert len(post.mails) == 1, "nothing is sent twice"


async def test_the_second_message_of_a_batch_goes_on_after_a_refusal(
    house: House, customer: UUID, post: Post
) -> None:
    content = Content(text="One")
    drafts = [
        MessageDraft(customer=customer, channel="email", purpose="service", content=each)
        for each in (content, Content(text="Two"))
    ]
    post.data = "554 5.7.1 Spam"
    messages = await house.contact.outbox.send(drafts, by="test")
    await house.contact.outbox.posting.run(new_id())
    assert len(post.mails) == 2
    assert {(await house.contact.outbox.get(m.id)).state for m in messages} == {"failed"}


def changed(settings: HouseSettings, **more: Any) -> HouseSettings:
    channel = {**settings.plugins.plugin_settings["email_channel"], **more}
    plugins = Plugins(plugin_settings={"email_channel": channel})
    return msgspec.structs.replace(settings, plugins=plugins)


class TestNobodyThere:
    """The server does not answer."""

    @pytest.fixture
    def house_settings(self, house_settings: HouseSettings) -> HouseSettings:
        return changed(house_settings, port=_free_port())

    async def test_it_is_tried_again(self, house: House, customer: UUID, post: Post) -> None:
        message = await sent(house, customer)
        assert (message.state, message.attempts) == ("planned", 1)
        assert message.detail.startswith("SMTPConnectError")


class TestSigningIn:
    """With a name, and a password from a file."""

    @pytest.fixture
    def password(self) -> str:
        return "tresor"

    @pytest.fixture
    def house_settings(
        self, house_settings: HouseSettings, tmp_path: Path, password: str
    ) -> HouseSettings:
        file = tmp_path / "password"
        file.write_text(f"{password}\n", encoding="utf-8")
        return changed(house_settings, username="crm", password_file=str(file))

    async def test_it_signs_in(self, house: House, customer: UUID, post: Post) -> None:
        assert (await sent(house, customer)).state == "sent"
        assert post.signed_in == ["crm"]


class TestWrongPassword(TestSigningIn):
    """Nothing is sent, and the password is not said."""

    @pytest.fixture
    def password(self) -> str:
        return "not-tresor"

    async def test_it_signs_in(self, house: House, customer: UUID, post: Post) -> None:
        message = await sent(house, customer)
        assert (message.state, post.mails) == ("planned", [])
        assert "535" in message.detail
        assert "tresor" not in message.detail


async def test_a_server_without_tls_is_not_spoken_to_when_tls_is_wanted(
    server: Controller, post: Post
) -> None:
    from relatum_email_channel.sending import _client
    from relatum_email_channel.settings import Settings

    settings = Settings(host="127.0.0.1", port=server.port, sender_address="a@b.example")
    client = _client(settings)
    with pytest.raises(SMTPException, match="STARTTLS"):
        await client.connect()
    assert post.mails == []
