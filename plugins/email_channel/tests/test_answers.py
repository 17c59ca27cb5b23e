"""Answers of servers as RFC 5321 (4.2.3) and RFC 3463 (3) print them, and what they mean here."""

from __future__ import annotations

import pytest

from relatum_email_channel.answers import meaning, said


@pytest.mark.parametrize(
    ("code", "text", "of_recipient", "outcome"),
    [
        (550, "5.1.1 User unknown", True, "bounced"),
        (550, "5.1.2 Bad destination system address", True, "bounced"),
        (550, "5.1.10 Recipient address has null MX", True, "bounced"),
        (550, "Requested action not taken: mailbox unavailable", True, "bounced"),
        (551, "User not local", True, "bounced"),
        (553, "mailbox name not allowed", True, "bounced"),
        (550, "5.7.1 Delivery not authorized, message refused", True, "failed"),
        (554, "Transaction failed", True, "failed"),
        (554, "5.7.1 Spam", False, "failed"),
        (550, "mailbox unavailable", False, "failed"),
        (552, "5.2.2 Mailbox full", True, "later"),
        (552, "5.3.4 Message too big for system", False, "failed"),
        (421, "Service not available, closing transmission channel", True, "later"),
        (450, "4.2.0 Greylisted", True, "later"),
        (451, "4.3.0 Local error in processing", False, "later"),
        (452, "Insufficient system storage", True, "later"),
    ],
)
def test_what_an_answer_means(code: int, text: str, of_recipient: bool, outcome: str) -> None:
    assert meaning(code, text, of_recipient=of_recipient) == outcome


def test_an_answer_is_one_line() -> None:
    assert said(550, "5.1.1 User\r\n unknown") == "550 5.1.1 User unknown"
