"""Files that somebody brings in to do harm, or that are only broken."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Iterator

from tests.security.fuzzing import Quarry
from tests.security.payloads import ALL

UPLOADS = "POST", "/api/v1/uploads"
CODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1258")
HEADINGS = ("ma", "ten", "dien thoai", "email", "tag", "id", "display_name", "phone")


def files(seed: int) -> Iterator[tuple[str, bytes]]:
    """Names and contents without end."""
    chance = random.Random(seed)
    makers = (_table, _json_lines, _bytes, _workbook, _cut)
    while True:
        name, content = chance.choice(makers)(chance)
        yield (chance.choice(ALL)[:200] if chance.random() < 0.3 else name), content


def file_fuzz(quarry: Quarry, count: int, *, seed: int, steps: int = 25) -> None:
    """About ``count`` files sent up; every few of them is imported as far as it goes."""
    known = {(each.method, each.path): each for each in quarry.site.addresses}
    upload, imports = known[UPLOADS], known["POST", "/api/v1/imports"]
    apply = known["POST", "/api/v1/imports/{import_id}/apply"]
    for n, (name, content) in enumerate(files(seed)):
        if n == count:
            return
        who = ("owner", "manager", "newcomer")[n % 3]
        kept = quarry.ask(who, upload, upload.path, params={"name": name}, content=content)
        if kept is None or kept.status_code != 201:
            continue
        id = kept.json()["id"]
        if n % steps == 0:
            draft = {"files": [{"upload": id, "target": "core.customers"}], "name": f"t{n}"}
            said = "\n".join([name, *(content.decode(each, "replace") for each in CODINGS)])
            made = quarry.ask(who, imports, imports.path, said=said, json=draft)
            if made is not None and made.status_code == 201:
                values = {"import_id": made.json()["id"]}
                quarry.ask(who, apply, apply.filled(values), said=said)
                quarry.run(quarry.site.house.worker.drain())
        gone = known["DELETE", "/api/v1/uploads/{upload_id}"]
        quarry.ask(who, gone, gone.filled({"upload_id": id}))


def _cells(chance: random.Random, count: int) -> list[str]:
    return [chance.choice(ALL) for _ in range(count)]


def _table(chance: random.Random) -> tuple[str, bytes]:
    mark = chance.choice(",;\t|")
    width = chance.randint(1, 6)
    heads = chance.sample(HEADINGS, width) if chance.random() < 0.8 else _cells(chance, width)
    lines = [mark.join(heads)]
    lines += [mark.join(_cells(chance, width + chance.randint(-1, 1))) for _ in range(4)]
    text = chance.choice(("\n", "\r\n", "\r")).join(lines)
    coding = chance.choice(CODINGS)
    return "bang.csv", text.encode(coding, "replace")


def _json_lines(chance: random.Random) -> tuple[str, bytes]:
    rows = [dict(zip(chance.sample(HEADINGS, 3), _cells(chance, 3), strict=True)) for _ in range(3)]
    lines = [json.dumps(row) for row in rows]
    if chance.random() < 0.3:
        lines.append(chance.choice(("{", "[[[[", "null", '{"a": 1e999}', '{"a": {"b": []}}')))
    return "dong.jsonl", "\n".join(lines).encode()


def _bytes(chance: random.Random) -> tuple[str, bytes]:
    heads = (b"", b"PK\x03\x04", b"\x89PNG", b"%PDF-1.7", b"MZ", b"<html><script>", b"GIF89a")
    return "tep.bin", chance.choice(heads) + chance.randbytes(chance.randint(0, 400))


def _workbook(chance: random.Random) -> tuple[str, bytes]:
    """Something that calls itself a workbook: with entities, links outside, odd names, a bomb."""
    parts = {
        "[Content_Types].xml": chance.choice(_XML),
        "xl/workbook.xml": chance.choice(_XML),
        "xl/worksheets/sheet1.xml": chance.choice(_XML),
        "xl/sharedStrings.xml": chance.choice(_XML),
        chance.choice(("../../x", "/etc/x", "xl/_rels/workbook.xml.rels")): chance.choice(_XML),
    }
    if chance.random() < 0.05:
        parts["xl/worksheets/sheet2.xml"] = "0" * 3_000_000
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return "so.xlsx", held.getvalue()


def _cut(chance: random.Random) -> tuple[str, bytes]:
    name, content = chance.choice((_workbook, _table))(chance)
    return name, content[: chance.randint(0, len(content))]


_SHEET = "<worksheet><sheetData>{}</sheetData></worksheet>"
_XML = (
    "",
    "<a/>",
    '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    '<!DOCTYPE a [<!ENTITY b "bbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;">]><a>&c;&c;&c;&c;</a>',
    _SHEET.format("<row r='1'><c r='A1' t='s'><v>99999</v></c></row>"),
    _SHEET.format("<row r='999999999'><c r='ZZZZ1'><v>1</v></c></row>"),
    "<workbook><sheets><sheet name='x' sheetId='1' r:id='rId1'/></sheets></workbook>",
)
