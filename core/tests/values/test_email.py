import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relatum.values.email import normalise_email, read_email


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ("lan@example.com", "lan@example.com"),
        ("  Lan.Nguyen@EXAMPLE.Com \n", "Lan.Nguyen@example.com"),
        ("lan+tag@mail.example.com.vn", "lan+tag@mail.example.com.vn"),
        ("INFO@Example.com", "info@example.com"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("lan@công-ty.vn", "lan@xn--cng-ty-ixa.vn"),
        ("lan@bücher.example.com", "lan@xn--bcher-kva.example.com"),
        ("đức@example.com", "đức@example.com"),
    ],
)
def test_addresses(raw, address):
    assert normalise_email(raw).address == address
    assert normalise_email(raw).problem is None


@pytest.mark.parametrize(
    "raw",
    [
        *("", "lan", "lan@", "@example.com", "lan@example", "lan@@example.com", "a b@example.com"),
        *(".lan@example.com", "lan..n@example.com", "lan@-example.com", "lan@exa_mple.com"),
        *("lan@localhost", "lan@pc.local", "lan@shop.test", "lan@[127.0.0.1]", "lan@example.c0"),
        *("Lan <lan@example.com>", "lan@example.com, an@example.com", "lan\0@example.com"),
        *("x" * 65 + "@" + "y" * 190 + ".com", "x" * 100_000, "lan@example.com\ud800"),
        *("lan@ab--cd.com", "lan@xn--zz.com"),
    ],
)
def test_what_is_no_address_is_explained(raw):
    email = normalise_email(raw, where="/contact_points/1/raw")
    assert email.address is None
    assert email.problem is not None
    assert email.problem.code == "not-an-email"
    assert email.problem.where == "/contact_points/1/raw"
    assert len(email.problem.got) <= 80


part = st.text(alphabet="abXY09_+-.%'", min_size=1, max_size=12)
label = st.text(alphabet="abXY09-_", min_size=1, max_size=8) | st.sampled_from(
    ["ab--cd", "xn--bcher-kva", "xn--zz", "a--b", "XN--abc"]
)
endings = st.sampled_from(["com", "vn", "VN", "test", "local", "c0m", "x", "arpa", "co-m", ""])
mailboxes = part | st.sampled_from(["Info", "SALES", "Postmaster", "abuse", "webMaster"])
addresses = st.builds(
    lambda local, labels, ending: f"{local}@{'.'.join([*labels, ending])}",
    mailboxes,
    st.lists(label, max_size=5),
    endings,
)


@settings(max_examples=1500, deadline=None)
@given(addresses | st.text(max_size=20))
def test_the_fast_path_answers_like_the_library(raw):
    assert normalise_email(raw) == read_email(raw)


@pytest.mark.parametrize("local", [1, 30, 63, 64, 65, 100])
@pytest.mark.parametrize("label_length", [1, 42, 43, 62, 63, 64])
@pytest.mark.parametrize("labels", [1, 3, 4, 5])
def test_lengths_are_judged_like_the_library(local, label_length, labels):
    raw = f"{'a' * local}@{'.'.join(['b' * label_length] * labels)}.com"
    assert normalise_email(raw) == read_email(raw)


@given(addresses)
def test_normalising_twice_changes_nothing(raw):
    address = normalise_email(raw).address
    if address is not None:
        assert normalise_email(address).address == address
