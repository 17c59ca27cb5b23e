"""Made-up customers, the same for the same seed: names, phone numbers, e-mail addresses.

The names are common Vietnamese family, middle and given names, and an English few; whoever bears
one of the combinations is meant as little as in a telephone directory of fiction.
"""

from __future__ import annotations

import csv
import functools
import random
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NAMES = Path(__file__).with_name("names.toml")
DOMAINS = ("example.com", "example.org", "example.net", "mail.example.com", "shop.example.vn")
TAGS = ("vip", "newsletter", "2026", "wholesale", "online")


@functools.cache
def words(key: str) -> list[str]:
    """One list of ``names.toml``."""
    text = tomllib.loads(NAMES.read_text(encoding="utf-8"))[key]
    return [word.strip() for word in text.split("," if "," in text else None)]


@dataclass(frozen=True)
class Person:
    """One made-up customer, as a file would give it (numbers and addresses not normalised)."""

    number: int
    name: str
    phone: str
    email: str
    tag: str


def people(count: int, *, seed: int = 20261122) -> Iterator[Person]:
    """``count`` customers with different phone numbers and e-mail addresses."""
    chance = random.Random(seed)
    for number in range(count):
        name = _name(chance)
        yield Person(
            number=number,
            name=name,
            phone=_phone(chance, number),
            email=f"{_plain(name)}.{number}@{chance.choice(DOMAINS)}",
            tag=chance.choice(TAGS) if chance.random() < 0.3 else "",
        )


def _name(chance: random.Random) -> str:
    if chance.random() < 0.1:
        return chance.choice(words("english"))
    middle = " ".join(chance.sample(words("middle"), 1 + (chance.random() < 0.3)))
    return f"{chance.choice(words('family'))} {middle} {chance.choice(words('given'))}"


def _phone(chance: random.Random, number: int) -> str:
    """Different for every number, in the spellings that people use."""
    prefixes = words("prefixes")
    prefix = prefixes[number % len(prefixes)]
    rest = f"{number // len(prefixes) * 37 % 10_000_000:07}"
    national = prefix + rest
    style = chance.randrange(4)
    if style == 0:
        return f"0{national}"
    if style == 1:
        return f"+84{national}"
    if style == 2:
        return f"0{national[:2]} {national[2:5]} {national[5:]}"
    return f"+84 {national[:2]}.{national[2:5]}.{national[5:]}"


def _plain(name: str) -> str:
    """``Đỗ Thị Hà`` → ``do.thi.ha``."""
    flat = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    return ".".join("".join(c for c in flat if not unicodedata.combining(c)).split())


def write_csv(file: Path, count: int) -> None:
    """The people as a file to import."""
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["id", "name", "phone", "email", "tags"])
        for person in people(count):
            writer.writerow([person.number, person.name, person.phone, person.email, person.tag])
