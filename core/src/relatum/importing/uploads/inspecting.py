"""What a file is, by what is in it; its name says nothing."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import msgspec

from relatum.importing.detection import HEAD, detect_encoding
from relatum.importing.plan import FileKind
from relatum.importing.sheets import opened
from relatum.values.problems import InvalidInput, Problem

LONGEST_NAME = 100
_ZIP = b"PK\x03\x04"
#: Workbooks of the format before XLSX.
_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_EXPECTED = "CSV, JSON lines or an XLSX workbook"
#: Control characters that no text has; tab, line ends and form feed it may.
_BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_WEB_PAGE = re.compile(
    r"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|table|\?xml)\b", re.I | re.S
)
_UNSAFE = re.compile(r"[^\w .()+-]")


def kind_of(path: Path) -> FileKind:
    """The form of a file.

    Raises:
        InvalidInput: it is none that an import reads, or no honest one.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD)
        whole = not stream.read(1)
    if head.startswith(_ZIP):
        with opened(path, "the file"):
            return "xlsx"
    if head.startswith(_OLD):
        raise _refused("old-workbook", "The file is a workbook of the old format XLS")
    if not head.strip(b"\x00\r\n\t \xef\xbb\xbf"):
        raise _refused("empty-file", "The file is empty")
    found = detect_encoding(head, whole=whole)
    if found.problem is not None:
        raise InvalidInput("The file cannot be read.", problems=[found.problem])
    text = head.decode(found.name, errors="replace")
    if _BINARY.search(text):
        raise _refused("not-text", "The file is neither text nor a workbook")
    if _WEB_PAGE.match(text.lstrip("\ufeff")):
        raise _refused("web-page", "The file is a web page, whatever it is called")
    return "jsonl" if _is_json(text, whole=whole) else "csv"


def name_of(said: str, kind: FileKind) -> str:
    """A name for the file that is harmless on any system, with the ending of its kind."""
    last = unicodedata.normalize("NFC", re.split(r"[/\\]", said)[-1])
    plain = " ".join(_UNSAFE.sub("_", last).split()).strip(". ")
    stem, dot, ending = plain.rpartition(".")
    if not dot:
        stem, ending = plain, ""
    tabs = kind == "csv" and ending.lower() == "tsv"
    # A name may be 255 bytes on disk, and letters take up to four.
    stem = stem.strip(". ").encode()[: 2 * LONGEST_NAME].decode(errors="ignore")[:LONGEST_NAME]
    return f"{stem or 'upload'}.{'tsv' if tabs else kind}"


def _is_json(text: str, *, whole: bool) -> bool:
    """Whether the first line with something in it is an object."""
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    if not lines or not lines[0].lstrip().startswith("{"):
        return False
    if len(lines) == 1 and not whole:
        return True  # longer than what is looked at
    try:
        return isinstance(msgspec.json.decode(lines[0]), dict)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False


def _refused(code: str, message: str) -> InvalidInput:
    problem = Problem(
        code=code,
        message=message,
        expected=_EXPECTED,
        mend="Save it as one of these and send that.",
    )
    return InvalidInput(f"{message}.", problems=[problem])
