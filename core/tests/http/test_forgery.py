"""The proof of a page's origin: another one each time, all of them good for one session only."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from relatum.http.forgery import csrf_token, is_proof, masked_token

SECRET, OTHER = "one secret", "another secret"


def test_proof_is_derived_from_the_secret() -> None:
    expected = hmac.new(SECRET.encode(), b"relatum csrf", hashlib.sha256).hexdigest()
    assert csrf_token(SECRET) == expected
    assert is_proof(expected, SECRET)
    assert not is_proof(expected, OTHER)


def test_no_two_answers_hold_the_same() -> None:
    tokens = [masked_token(SECRET) for _ in range(200)]
    assert len(set(tokens)) == 200
    assert all(is_proof(token, SECRET) and not is_proof(token, OTHER) for token in tokens)
    # no part of one is a part of another: nothing for a guess to match
    halves = {token[at : at + 16] for token in tokens for at in range(0, 128, 16)}
    assert len(halves) == 200 * 8
    assert not any(csrf_token(SECRET)[:16] in token for token in tokens)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "x",
        "0" * 64,
        "0" * 128,
        "00",
        "á" * 64,
        csrf_token(SECRET)[:-2],
        csrf_token(SECRET) + "00",
        masked_token(SECRET)[:-1] + "g",
    ],
)
def test_anything_else_proves_nothing(said: str) -> None:
    assert not is_proof(said, SECRET)


def test_a_changed_mask_proves_nothing() -> None:
    token = masked_token(SECRET)
    first = "1" if token[0] == "0" else "0"
    assert not is_proof(first + token[1:], SECRET)
