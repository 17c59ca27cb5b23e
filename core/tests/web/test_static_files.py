"""What pages load: found by an address that holds its sum, kept for ever, compressed, unforged."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest

from core.tests.web.browsing import Browser
from relatum.http.compression import Coding
from relatum.web.own_files import ENTRY, bare, joined, lean, modules_of, tight
from relatum.web.static_files import FOLDER, Shelf, StaticFile, StaticFiles, icon_url
from relatum_assets import manifest

LYING = {
    path.relative_to(FOLDER).as_posix(): path.read_bytes()
    for path in FOLDER.rglob("*")
    if path.is_file()
}
SENT = lean(LYING)


@pytest.mark.parametrize(
    "name", [*sorted(SENT), "assets/htmx.js", "assets/sortable.js", "assets/icons.svg"]
)
async def test_file_is_kept_for_ever_under_its_address(nobody: Browser, name: str) -> None:
    address = nobody.house.renderer.static.url(name)
    answer = await nobody.answer(address)
    content = answer.content
    packed = manifest().assets.get(name.removeprefix("assets/"))
    assert content == (packed.path.read_bytes() if packed else SENT[name])
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["vary"] == "accept-encoding"
    digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
    assert nobody.house.renderer.static.integrity(name) == f"sha384-{digest}"


async def test_old_address_of_a_file_leads_to_the_present_one_for_now(nobody: Browser) -> None:
    for old in ("/static/relatum/0123456789/relatum.css", "/static/relatum/relatum.css"):
        answer = await nobody.answer(old)
        assert answer.content == tight((FOLDER / "relatum.css").read_bytes())
        assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "relatum/nothing.css",
        "relatum/..%2flanguages.py",
        "relatum/%2e%2e/languages.py",
        "relatum/..%2f..%2fweb%2flanguages.py",
        "assets/manifest.json",
        "assets/..%2fmanifest.py",
        "nobody/board.js",
        "core/relatum.css",
        "sales_pipeline/plugin.toml",
        "relatum/",
    ],
)
async def test_nothing_else_is_given_out(nobody: Browser, path: str) -> None:
    assert (await nobody.answer(f"/static/{path}")).status_code == 404


async def test_text_goes_out_compressed_when_that_is_taken(nobody: Browser) -> None:
    address = nobody.house.renderer.static.url("assets/htmx.js")
    plain = await nobody.answer(address, **{"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    for coding, part in (("gzip", 0.4), ("br", 0.35)):
        for _ in range(2):
            taken = await nobody.answer(address, **{"accept-encoding": coding})
            assert taken.headers["content-encoding"] == coding
            assert int(taken.headers["content-length"]) < len(plain.content) * part
            assert taken.content == plain.content


CODINGS: dict[Coding, Callable[[bytes], bytes]] = {
    "br": brotli.decompress,
    "gzip": gzip.decompress,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_what_is_packed_already_is_not_packed_again(coding: Coding) -> None:
    assert StaticFile(b"x" * 5_000, ".png").compress(coding) is None
    assert StaticFile(b"x" * 100, ".js").compress(coding) is None
    file = StaticFile(b"x" * 5_000, ".js")
    squeezed = file.compress(coding)
    assert squeezed is not None
    assert CODINGS[coding](squeezed) == b"x" * 5_000
    assert file.compressed == {coding: squeezed}


def test_sum_of_a_shelf_changes_with_names_and_contents() -> None:
    def digest(**files: bytes) -> str:
        return Shelf({name: StaticFile(text, ".js") for name, text in files.items()}).digest

    sums = [digest(a=b"1"), digest(a=b"2"), digest(b=b"1"), digest(a=b"1", b=b""), digest()]
    assert len(set(sums)) == 5
    assert digest(a=b"1", b=b"2") == digest(b=b"2", a=b"1")


def test_plugins_have_files_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "static" / "deep"
    folder.mkdir(parents=True)
    (folder / "board.js").write_text("1;\n")
    (folder / "secret.toml").write_text("no")
    (folder / "link.js").symlink_to(Path(__file__))
    static = StaticFiles({"spa": tmp_path}.get)
    address = static.url("spa/deep/board.js")
    assert re.fullmatch(r"/static/spa/[0-9a-f]{10}/deep/board\.js", address)
    _, _, owner, path = address.split("/", 3)
    found, lasts = static.find(owner, path)
    assert found is not None
    assert (found.content, lasts) == (b"1;\n", True)
    for name in ("spa/deep/secret.toml", "spa/deep/link.js", "spa/board.js", "pub/board.js"):
        with pytest.raises(LookupError):
            static.url(name)
        with pytest.raises(LookupError):
            static.integrity(name)
        assert static.find(*name.split("/", 1)) == (None, False)


def test_icon_leads_to_its_symbol_and_a_missing_one_to_a_circle() -> None:
    name = manifest().assets["icons.svg"].name
    assert icon_url("search") == f"/static/assets/{name}#search"
    assert icon_url("no-such-icon") == f"/static/assets/{name}#circle"


def test_the_style_loads_nothing() -> None:
    for path in FOLDER.glob("*.css"):
        style = path.read_bytes()
        assert b"url(" not in style
        assert b"@import" not in style


def test_comments_are_not_sent() -> None:
    script = b"""// @ts-check
/** What it does.
 *  In two lines. */
import { a } from "./a.js";

const b = /** @type {any} */ (a);
  // why
  b("https://example.com//x", 4 / 2);
"""
    assert bare(script) == (
        b'import { a } from "./a.js";\nconst b = (a);\nb("https://example.com//x", 4 / 2);\n'
    )


def test_what_every_page_loads_is_small() -> None:
    """Scripts of our own under 5 KB; what the style may weigh, ``test_style.py`` says."""
    assert len(brotli.compress(SENT[ENTRY])) < 5_000


def test_the_modules_of_every_page_are_one() -> None:
    scripts = {name: bare(text) for name, text in LYING.items() if name.endswith(".js")}
    inside = modules_of(ENTRY, scripts)
    assert inside[-1] == ENTRY
    assert {"toast.js", "live.js", "shortcuts.js"} < set(inside)
    assert inside.index("toast.js") < inside.index("requests.js")
    assert not set(inside) - {ENTRY} & set(SENT)
    # a name for two things would break all of them; a module that is there twice would act twice
    top = re.compile(rb"^(?:export )?(?:async )?(?:const|let|class|function) (\w+)", re.MULTILINE)
    names = [name for module in inside for name in top.findall(LYING[module])]
    assert len(names) == len(set(names)) > 30
    left = b"".join(text for name, text in SENT.items() if name.endswith(".js"))
    assert set(re.findall(rb'"\./(\w+\.js)"', left)) == {b"relatum.js", b"palette.js"}


def test_one_module_of_several() -> None:
    scripts = {
        "a.js": b'import { b } from "./b.js";\nimport "./c.js";\nb(() => import("./d.js"));\n',
        "b.js": b'import { c } from "./c.js";\nconst one = 1;\nexport const b = c;\n',
        "c.js": b"export function c() {}\n",
    }
    assert modules_of("a.js", scripts) == ["c.js", "b.js", "a.js"]
    assert joined([scripts[name] for name in ("c.js", "b.js", "a.js")]) == (
        b'export function c() {}\nconst one = 1;\nexport const b = c;\nb(() => import("./d.js"));\n'
    )


def test_blanks_and_comments_of_a_style_are_not_sent() -> None:
    sheet = (
        b"/* why */\n@layer a {\n  .b > c { color: light-dark(#fff, #000); margin: 0 1px; }\n}\n"
    )
    assert tight(sheet) == b"@layer a{.b > c{color: light-dark(#fff, #000);margin: 0 1px}}"
