"""One address is one, however it is written."""

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.email_address import ascii_form, ascii_host, email_key, validate_email
from domain.errors import DomainError
from tests.support.examples import examples

PATH = ("input", "email")
many = examples(75, many=3_000, derandomize=True, database=None)
labels = st.text(alphabet="abcxyz019-üßéάςøञ例テ❤ñΣ", min_size=1, max_size=12)


def _address(local: str, host: str) -> str:
    """A stored address, where the two are one."""
    try:
        return validate_email(f"{local}@{host}", PATH)
    except DomainError:
        assume(False)
        raise


@many
@given(local=st.text(alphabet="abZ09._+é", min_size=1, max_size=10), parts=st.lists(labels, min_size=2, max_size=3))
def test_the_forms_of_a_host_are_one_host(local: str, parts: list[str]) -> None:
    stored = _address(local, ".".join(parts))
    host = stored.rpartition("@")[2]
    key = email_key(stored)
    for form in (
        stored,
        ascii_form(stored),
        f"{local}@{ascii_host(host).upper()}",
        f" {stored} ",
        unicodedata.normalize("NFD", stored),
        stored.replace(".", "\u3002") if "." not in local else stored,
        "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in stored),
    ):
        assert validate_email(form, PATH).rpartition("@")[2] == host, form
        assert email_key(form) == key, form
    assert ascii_host(host).isascii()


@many
@given(one=labels, other=labels)
def test_two_hosts_are_one_only_where_their_ascii_forms_are(one: str, other: str) -> None:
    first, second = _address("ada", f"{one}.example"), _address("ada", f"{other}.example")
    assert (email_key(first) == email_key(second)) is (ascii_form(first) == ascii_form(second))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x@bücher.example", "X@xn--bcher-kva.example"),
        ("x@bücher.example", "x@bu\u0308cher.example"),
        ("x@bücher.example", "x@BÜCHER.EXAMPLE"),
        ("ada@example.com", "ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ"),
        ("ada@例え.テスト", "ada@例え。テスト"),
        ("a@straße.de", "a@xn--strae-oqa.de"),
        ("Jose\u0301@example.org", "JOSÉ@example.org"),
    ],
)
def test_these_are_one_address(one: str, other: str) -> None:
    assert email_key(validate_email(one, PATH)) == email_key(validate_email(other, PATH))


@pytest.mark.parametrize(
    ("one", "other"), [("a@straße.de", "a@strasse.de"), ("a@bücher.example", "a@bucher.example"), ("jose@x.de", "josé@x.de")]
)
def test_these_are_two(one: str, other: str) -> None:
    assert email_key(validate_email(one, PATH)) != email_key(validate_email(other, PATH))


@pytest.mark.parametrize(
    ("given_", "stored"),
    [
        (" Ada@Example.ORG ", "Ada@example.org"),
        ("x@xn--bcher-kva.example", "x@bücher.example"),
        ("x@i❤.ws", "x@i❤.ws"),
        ("a.b+c@mail_1.x-y.org", "a.b+c@mail_1.x-y.org"),
    ],
)
def test_an_address_is_stored_as_people_read_it(given_: str, stored: str) -> None:
    assert validate_email(given_, PATH) == stored
    assert validate_email(stored, PATH) == stored


@pytest.mark.parametrize(
    "given_",
    [
        "",
        "a",
        "a@b",
        "@b.de",
        "a@.de",
        "a@b..de",
        "a@b.de.",
        "a b@c.de",
        "a@b@c.de",
        "a@-b.de",
        "a@b-.de",
        "a@℀.de",
        "a@xn--a.de",
        "a@xn--.de",
        "a\u200b@b.de",
        "a@b\u200d.de",
        "a@b\u00ad.de",
        "a\x00@b.de",
        "a\x85b@c.de",
        "a@\u0301b.de",
        "a@[127.0.0.1]",
        "a@b/c.de",
        f"a@{'ü' * 63}.de",
    ],
)
def test_what_is_no_address_is_refused(given_: str) -> None:
    with pytest.raises(DomainError) as refused:
        validate_email(given_, PATH)
    assert (refused.value.code, refused.value.path) == ("INVALID", PATH)


@pytest.mark.parametrize("given_", [f"{'a' * 250}@b.de", "a" * 600, f"a@{'.'.join(['üüüüüüüüüü'] * 16)}.de"])
def test_what_is_too_long_for_a_letter_is_refused(given_: str) -> None:
    with pytest.raises(DomainError) as refused:
        validate_email(given_, PATH)
    assert refused.value.code == "TOO_LONG"
