"""What a line and a text may hold."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import text
from domain.collation import collation_key, is_blank
from domain.errors import DomainError, TooLong
from tests.support.examples import examples

PATH = ("input", "title")
many = examples(100, many=4_000, derandomize=True, database=None)


def refusal(value: str, limit: int = text.MAX_NAME_CHARS) -> str:
    with pytest.raises(DomainError) as refused:
        text.validate_line(value, PATH, limit=limit)
    assert refused.value.path == PATH
    return refused.value.code


@many
@given(value=st.text(alphabet=st.characters(codec=None), max_size=40))
def test_a_line_that_is_taken_can_be_seen_stored_and_given_again(value: str) -> None:
    try:
        stored = text.validate_line(value, PATH, limit=30)
    except DomainError:
        return
    assert text.validate_line(stored, PATH, limit=30) == stored
    assert not is_blank(stored)
    assert len(stored.splitlines()) == 1
    assert "\x00" not in stored
    stored.encode()


@pytest.mark.parametrize("one", "\u200b\ufeff\u2060\u3164\u200e\u200d\ufe0f\u00ad\u2800\u3000 \u00a0\U000e0041")
def test_a_line_with_nothing_to_see_is_required(one: str) -> None:
    assert refusal(one) == refusal(one * 3) == "REQUIRED"


@pytest.mark.parametrize("one", "\t\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
def test_a_line_has_no_breaks(one: str) -> None:
    assert refusal(f"a{one}b") == "INVALID"


@pytest.mark.parametrize("one", "\x00\x07\x1b\x7f\x9b\ud800\udfff")
def test_a_line_has_no_controls_and_no_halves_of_characters(one: str) -> None:
    assert refusal(f"a{one}b") == refusal(one) == "INVALID"


def test_a_line_is_measured_as_it_is_stored() -> None:
    assert text.validate_line("e\u0301" * 200, PATH) == "é" * 200
    assert text.validate_line(f"{'x' * 200}\u200b ", PATH) == "x" * 200
    assert refusal("é" * 201) == "TOO_LONG"


@many
@given(value=st.text(alphabet="\ufdfa\ufb03\u222d\u2159🚀ßΐéx", min_size=1, max_size=200))
def test_the_key_of_a_name_fits_an_index(value: str) -> None:
    try:
        stored = text.validate_name(value, PATH)
    except TooLong:
        return
    assert len(collation_key(stored).encode()) <= text.MAX_INDEXED_BYTES


@pytest.mark.parametrize("one", ["ü", "中", "🚀", "ß", "é", "x"])
def test_a_name_of_any_script_may_be_as_long_as_the_limit_says(one: str) -> None:
    assert text.validate_name(one * text.MAX_NAME_CHARS, PATH) == one * text.MAX_NAME_CHARS


@pytest.mark.parametrize("value", ["\u200b", " \n\ufeff\n", "\u3164"])
def test_a_text_with_nothing_to_see_is_none(value: str) -> None:
    assert text.validate_optional_markdown(value, PATH) is None
    with pytest.raises(DomainError) as refused:
        text.validate_markdown(value, PATH)
    assert refused.value.code == "REQUIRED"


@pytest.mark.parametrize("value", ["a\u200bb", "\ufeffa", "e\u0301", "a\u2028b\r\n\tc", "a\x85b"])
def test_markdown_is_stored_as_it_is(value: str) -> None:
    assert text.validate_markdown(value, PATH) == value


@pytest.mark.parametrize("value", ["a\ud800", "a\x00", "a\x1b[31m"])
def test_markdown_has_no_controls(value: str) -> None:
    with pytest.raises(DomainError) as refused:
        text.validate_markdown(value, PATH)
    assert refused.value.code == "INVALID"


def test_what_only_programs_compare_stays_as_it_is() -> None:
    assert text.validate_token("e\u0301\u200b", PATH) == "e\u0301\u200b"
    assert not unicodedata.is_normalized("NFC", text.validate_token("e\u0301", PATH))
    for value, code in (("", "REQUIRED"), ("x" * 201, "TOO_LONG"), ("a\nb", "INVALID")):
        with pytest.raises(DomainError) as refused:
            text.validate_token(value, PATH)
        assert refused.value.code == code
