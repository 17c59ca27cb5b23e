"""What is said about problems of customers, by their codes."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from relatum.http.batches import of_one
from relatum.values.problems import Conflict, InvalidInput, Problem, Refused
from relatum.web.languages import marked
from relatum.web.wording import declare_sentences

T = TypeVar("T")
_NO_PHONE = marked("This is not a phone number. Write its digits.")

declare_sentences(
    {
        "not-a-phone": _NO_PHONE,
        "phone-too-short": marked("The phone number is too short."),
        "phone-too-long": marked("The phone number is too long."),
        "phone-not-assigned": marked("No phone number begins like this. Check the first digits."),
        "unknown-country-code": marked(
            "There is no such country code. Begin with 0 or with + and a country code."
        ),
        "several-numbers": marked("These are several numbers. Put each into a row of its own."),
        "not-an-email": marked("This is not an e-mail address."),
        "bad-field-value": marked("This value does not fit the field."),
        "field-not-for-kind": marked("This field is not for this kind of customer."),
        "empty-name": marked("Write a name."),
        "too-many": marked("These are too many. Remove some."),
        "ambiguous-number": marked(
            "This number can be read in two ways. Leave the mark of thousands out."
        ),
        "bad-time": marked("This time cannot be right. Choose one that is not in the future."),
        "nobody-found": marked("Nobody fits. Write more of the name, or a phone number."),
        "several-found": marked("Several customers fit. Choose one."),
        "external-id-taken": marked("This id belongs to another customer."),
        "masked-value": marked("A masked value cannot be changed."),
        "link-to-itself": marked("A customer cannot be linked to itself."),
        "no-such-account": marked("Choose one of the list."),
        "no-such-team": marked("Choose one of the list."),
        "may-not-give": marked("You may not give customers to others."),
        "changed-meanwhile": marked("It was changed meanwhile. Look at it and try again."),
    }
)


async def one(doing: Awaitable[T]) -> T:
    """What a service does with a batch of one; refusals are those of the one, with a code.

    Raises:
        RelatumError: as the service does.
    """
    try:
        return await doing
    except InvalidInput as error:
        raise of_one(error) from error
    except (Conflict, Refused) as error:
        if not error.problems:
            code = "may-not-give" if isinstance(error, Refused) else "changed-meanwhile"
            error.problems = (Problem(code=code, message=error.detail),)
        raise
