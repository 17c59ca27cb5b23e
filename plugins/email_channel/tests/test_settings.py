"""What keeps the channel from being set wrongly."""

from __future__ import annotations

import msgspec
import pytest

from relatum_email_channel.settings import Settings


def test_without_settings_it_is_not_complete() -> None:
    assert not Settings().is_complete
    assert not Settings(host="smtp.example.com").is_complete
    assert Settings(host="smtp.example.com", sender_address="a@example.com").is_complete


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "smtp.example.com", "security": "none"},
        {"password": "a", "password_file": "/b"},
        {"sender_address": "no address"},
        {"sender_address": "a@b\r\nBcc: c@d"},
        {"sender_name": "A\nB"},
        {"timeout": 0},
        {"hots": "smtp.example.com"},
    ],
)
def test_what_is_wrong_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Settings)
