"""What is found in files, as sentences for people: what is wrong and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from relatum.web.languages import Language, marked, translations
from relatum.web.wording import Sentence, filled, sentence_of

if TYPE_CHECKING:
    from relatum.hooks.declarations import ImportTarget
    from relatum.values.problems import Problem
    from relatum.values.text import Text

#: About files that are refused before anything is read from them.
UPLOADS = {
    "no-file": marked("Choose a file first."),
    "too-many-files": marked("These are too many files at once. Choose fewer."),
    "empty-file": marked("This file is empty: %(got)s. Choose one with headings and rows."),
    "not-text": marked(
        "This is neither a table nor a workbook: %(got)s. Save it as CSV or XLSX and choose that."
    ),
    "not-a-workbook": marked(
        "This workbook is damaged or is none: %(got)s. Open it, save it as XLSX and choose that."
    ),
    "too-large": marked(
        "This workbook unpacks to far more than an honest one: %(got)s. Save only the sheet that "
        "you need as CSV."
    ),
    "unknown-encoding": marked(
        "The letters of this file cannot be read: %(got)s. It looks like an old Vietnamese font "
        "(TCVN3, VNI). Convert it to Unicode with UniKey, save it as UTF-8, and choose it again."
    ),
    "old-workbook": marked(
        "This is a workbook of the old format XLS: %(got)s. Save it as XLSX and choose that."
    ),
    "nothing-left": marked("There is nothing in it."),
    "needed-columns": marked("Choose a column for: %(expected)s."),
    "web-page": marked(
        "This is a web page, not a table: %(got)s. Open it in a spreadsheet and save it as XLSX."
    ),
}

_REASONS = {
    **UPLOADS,
    "unknown-encoding": marked(
        "The letters cannot be read; they look like an old Vietnamese font (TCVN3, VNI). Convert "
        "the file to Unicode with UniKey, or choose the encoding."
    ),
    "too-large": marked("The workbook unpacks to far more than an honest one."),
    "not-a-workbook": marked("The workbook is damaged. Open it and save it again as XLSX."),
    "empty-file": marked("There is nothing in it."),
    "no-such-file": marked("The file is gone. Bring it again."),
    "no-such-sheet": marked("There is no sheet of this name. Choose one of %(expected)s."),
    "bad-headings": marked("The line with the headings cannot be read. Choose how it is written."),
    "unreadable": marked("It cannot be read from disk. Bring it again."),
    "no-such-column": marked("The file has no column %(got)s."),
    "ambiguous-heading": marked("Several columns have the same heading."),
    "repeated-heading": marked("Several columns have the same heading; each is shown by number."),
    "no-headings": marked("The first line looks like data. Say so if there are no headings."),
    "missing-field": marked("Nothing is chosen for a field that every record needs."),
    "no-such-field": marked("There is no such field: %(got)s."),
    "no-such-target": marked("This kind of data is not there; its plugin may be off."),
    "ambiguous-dates": marked(
        "These dates can be read in two ways: %(got)s. Choose how days are written."
    ),
    "other-sheets": marked("The workbook has other sheets, which are not read."),
    "ragged-row": marked("The row has more or fewer cells than there are headings."),
    "unclosed-quote": marked("A quotation mark is opened and never closed."),
    "bad-quotes": marked("The quotation marks of the row are not right."),
    "row-too-long": marked("The row is longer than any honest one."),
    "damaged-file": marked("The file breaks off here; what came before is read."),
    "nul-byte": marked("There are signs in it that are no text."),
    "invalid-encoding": marked("Some letters are not of the file's encoding."),
    "not-json": marked("The line is no JSON object."),
    "not-a-number": marked("This is not a number that can only be read in one way."),
    "not-yes-or-no": marked("This is neither yes nor no."),
    "not-a-date": marked("This is not a day as %(expected)s."),
    "not-in-map": marked("The plan does not say what this value means."),
    "unknown-value": marked("This is not known here. Was something else meant?"),
    "unreadable-secret": marked("This secret value was locked in another house."),
    "masked": marked("This row holds hidden values. Take it out again as somebody who sees them."),
    "masked-value": marked("This value is hidden in the file."),
    "missing": marked("A value that every record needs is missing."),
    "wrong-type": marked("This is of the wrong kind."),
    "unknown-field": marked("There is no such field."),
    "wrong-value": marked("This value is not possible: %(expected)s is expected."),
    "external-id-taken": marked("Somebody else has this number already."),
    "likely-duplicate": marked("Looks like somebody who is there already: %(got)s."),
    "maybe-duplicate": marked("May be somebody who is there already: %(got)s."),
    "given-twice": marked("The same number came before in this file, with other values."),
    "key-taken": marked("It is there already with other content, and what happened stays."),
    "no-such-customer": marked("There is no customer with the number %(got)s."),
    "link-without-id": marked("Without a number of its own it cannot be linked."),
    "link-to-itself": marked("It is in, but it cannot be linked to itself."),
    "ends-before-it-begins": marked("It ends before it begins."),
    "in-use": marked("It stays: something that came later points at it."),
    "changed-since": marked("It stays as it is: somebody changed it after the import."),
    "not-a-phone": marked("This is no phone number."),
    "phone-too-short": marked("This phone number is too short."),
    "phone-too-long": marked("This phone number is too long."),
    "phone-not-assigned": marked("No phone number begins like this."),
    "several-numbers": marked("There are several phone numbers in one cell."),
    "unknown-country-code": marked("There is no such country code."),
    "not-an-amount": marked("This is no amount of money."),
    "too-many-decimals": marked("This currency has not so many decimals."),
    "unknown-currency": marked("There is no such currency."),
    "too-long": marked("This is too long."),
    "not-an-email": marked("This is no e-mail address."),
}


def reason_of(
    problem: Problem, language: Language, own: Mapping[str, Text] | None = None
) -> Sentence:
    """What to say about something that was found in a file.

    Args:
        own: what the targets say about it, by its code; it comes first.
    """
    known = _REASONS.get(problem.code)
    if known is not None and problem.code not in (own or {}):
        return Sentence(filled(translations(language).gettext(known), problem), language)
    return sentence_of(problem, language, own)


def sentences_of(targets: Iterable[ImportTarget]) -> dict[str, Text]:
    """What these targets say about problems, by their codes; not every target says something."""
    found: dict[str, Text] = {}
    for target in targets:
        own: Mapping[str, Text] = getattr(target, "sentences", {})
        found = {**own, **found}
    return found
