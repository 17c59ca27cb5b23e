"""Which passwords are accepted, and how they are kept."""

from __future__ import annotations

import asyncio
import unicodedata

import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type

from relatum.access.accounts.passwords import AT_ONCE, Passwords
from relatum.values.problems import InvalidInput

KNOWN = ["Nguyễn Thị Hoa", "hoa.nguyen@example.com"]
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(known=["Công ty Hoa Mai"], hasher=CHEAP)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "123456789",
        "1234567890",
        "qwertyuiop12",
        "password1234",
        "Tr0ub4dour&3x",
        "matkhau123456",
        "anhyeuem123",
        "aaaaaaaaaaaaaaaa",
        "nguyenthihoa1990",
        "Nguyễn Thị Hoa 1990",
        "hoa.nguyen@example.com",
        "congtyhoamai1",
        "x" * 201,
    ],
)
async def test_what_would_be_guessed_is_refused(passwords: Passwords, password: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await passwords.accept(password, known=KNOWN)
    [problem] = refusal.value.problems
    assert problem.where == "/password"
    assert problem.expected
    assert problem.mend
    if len(password) > 5:
        assert password not in str(refusal.value)


@pytest.mark.parametrize(
    "password",
    [
        "ba con mèo đen nhảy múa",
        "correct horse battery",
        "xK9#mQ2$vLp",
        "  blanks around count  ",
        "ăn cơm tối xong rồi đi dạo" * 5,
    ],
)
async def test_a_good_one_is_kept_as_argon2id_and_found_again(
    passwords: Passwords, password: str
) -> None:
    hashed = await passwords.accept(password, known=KNOWN)
    assert hashed.startswith("$argon2id$v=19$")
    assert password not in hashed
    assert await passwords.verify(hashed, password)
    assert not await passwords.verify(hashed, password + " ")
    assert not await passwords.verify(hashed, password.strip()[:-1])


async def test_the_costs_are_those_that_rfc_9106_recommends() -> None:
    hashed = await Passwords().accept("ba con mèo đen nhảy múa", known=[])
    # the second recommended option: 64 MiB, 3 passes, 4 lanes; 128-bit salt, 256-bit tag
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert PasswordHasher().type is Type.ID


async def test_letters_composed_differently_are_the_same_password(passwords: Passwords) -> None:
    password = "mèo đen nhảy múa"
    hashed = await passwords.accept(unicodedata.normalize("NFD", password), known=[])
    assert await passwords.verify(hashed, unicodedata.normalize("NFC", password))


async def test_nobody_has_the_password_of_an_account_without_one(passwords: Passwords) -> None:
    for password in ("", "nobody has this password", "anything"):
        assert not await passwords.verify("", password)
    assert not await passwords.verify("not a hash", "anything")


async def test_a_hash_with_other_costs_is_renewed(passwords: Passwords) -> None:
    password = "ba con mèo đen nhảy múa"
    old = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(password)
    renewed = await passwords.renewed(old, password)
    assert renewed is not None
    assert await passwords.verify(renewed, password)
    assert await passwords.renewed(renewed, password) is None


async def test_only_two_are_hashed_at_once() -> None:
    running, most = 0, 0

    class Counting(PasswordHasher):
        def verify(self, *args: object, **kwargs: object) -> bool:  # type: ignore[override]
            nonlocal running, most
            running += 1
            most = max(most, running)
            try:
                return super().verify(*args, **kwargs)  # type: ignore[arg-type]
            finally:
                running -= 1

    passwords = Passwords(hasher=Counting(time_cost=2, memory_cost=4096, parallelism=1))
    hashed = await passwords.accept("ba con mèo đen nhảy múa", known=[])
    tries = [passwords.verify(hashed, f"wrong {n}") for n in range(12)]
    assert not any(await asyncio.gather(*tries))
    assert 1 <= most <= AT_ONCE == 2
