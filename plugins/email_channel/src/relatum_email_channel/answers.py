"""What the answers of an SMTP server mean (RFC 5321, 4.2; enhanced codes of RFC 3463)."""

from __future__ import annotations

import re
from typing import Literal

Outcome = Literal["bounced", "failed", "later"]

_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
#: 5.1.x: there is no such mailbox, no such domain, or the address cannot be one.
_NO_SUCH_ADDRESS = frozenset({"1", "2", "3", "6", "10"})
#: Without an enhanced code, these answers to RCPT are about the mailbox.
_MAILBOX = frozenset({550, 551, 553})


def meaning(code: int, text: str, *, of_recipient: bool) -> Outcome:
    """What a refusal means for the message.

    Args:
        code: the three digits, such as 550.
        of_recipient: whether the address of the customer was refused, not the mail or its sender.
    """
    if 400 <= code < 500:
        return "later"
    enhanced = _ENHANCED.search(text)
    if enhanced is None:
        return "bounced" if of_recipient and code in _MAILBOX else "failed"
    kind, subject, detail = enhanced.groups()
    if kind == "4" or (subject, detail) == ("2", "2"):  # 5.2.2: the mailbox is full
        return "later"
    if subject == "1" and detail in _NO_SUCH_ADDRESS:
        return "bounced"
    return "failed"


def said(code: int, text: str) -> str:
    """The answer in one line."""
    return f"{code} {' '.join(text.split())}"[:300]
