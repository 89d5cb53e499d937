"""Names and titles: one fold for every form of the same text, one order for people, one key for both."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.collation import SEPARATOR, collation_key, fold, is_blank, search_key, visible
from tests.support.examples import examples

# What goes wrong lies between characters that act on their neighbours: these meet each other often.
AWKWARD = (
    "aB\u0301\u0308\u200c\u200d\ufe0e\ufe0f\u200b\u00ad\u202e \u3000\u00a0❤👩💻ßςΣİıKǅŉ한क\u094d🏴\U000e0067\U000e0062"
    "\U000e0065\U000e006e\U000e007f{~;，éᾳ﷼ﬃＡ①"
)
texts = st.text(max_size=30) | st.text(alphabet=AWKWARD, max_size=12)
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u180e\u200b\u200e\u200f\u202a\u202e\u2060\u2066\u206f"
    "\u2800\u3164\ufeff\uffa0\ufff9\U0001d173"
)
many = examples(75, many=3_000, derandomize=True, database=None)


def _wide(text: str) -> str:
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


@many
@given(text=texts)
def test_what_is_stored_is_stored_again_as_it_is(text: str) -> None:
    stored = visible(text)
    assert visible(stored) == stored
    assert unicodedata.is_normalized("NFC", stored)
    assert fold(stored) == fold(text)


@many
@given(text=texts)
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_every_unicode_form_of_a_text_is_the_same_name(form: str, text: str) -> None:
    assert fold(unicodedata.normalize(form, text)) == fold(text)  # type: ignore[arg-type]
    assert fold(fold(text)) == fold(text)


@many
@given(text=texts)
@pytest.mark.parametrize("written", [str.upper, str.lower, str.casefold, str.swapcase, str.title, _wide])
def test_case_and_width_make_no_difference_to_a_search(written: Callable[[str], str], text: str) -> None:
    plain = unicodedata.normalize("NFD", text)
    assume("\u0345" not in plain)  # a mark whose capital is a letter: what stands behind it goes over to that one
    assert search_key(written(plain)) == search_key(plain)


@many
@given(before=texts, after=texts, one=st.sampled_from(INVISIBLE))
def test_what_cannot_be_seen_makes_no_twin(before: str, after: str, one: str) -> None:
    assume(unicodedata.normalize("NFD", visible(before)) + unicodedata.normalize("NFD", visible(after)) == _nfd(before + after))
    assert fold(before + one + after) == fold(before + after)


def _nfd(text: str) -> str:
    return unicodedata.normalize("NFD", visible(text))


@many
@given(text=texts, places=st.tuples(st.integers(0, 30), st.integers(0, 30)))
def test_a_part_of_a_text_is_found_in_it(text: str, places: tuple[int, int]) -> None:
    start, end = sorted(min(each, len(text)) for each in places)
    part = text[start:end]
    # Not between a letter and its mark, nor within a syllable of Hangul: there is no text between these.
    assume(end == len(text) or unicodedata.category(text[end])[0] not in "MC")
    assume(not part or unicodedata.category(part[0])[0] not in "MC")
    assume(not any("\u1100" <= each <= "\u11ff" for each in unicodedata.normalize("NFD", text[max(0, end - 1) : end + 1])))
    assert search_key(part) in search_key(text)
    assert search_key(part) in collation_key(text)


@many
@given(one=texts, other=texts)
def test_keys_are_equal_for_equal_names_and_sort_by_letters_first(one: str, other: str) -> None:
    assume(SEPARATOR not in one + other)  # no text holds one: see `domain.text`
    first, second = collation_key(one), collation_key(other)
    assert (first == second) is (fold(one) == fold(other))
    if search_key(one) < search_key(other):
        assert first < second
    assert SEPARATOR not in search_key(one + other)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (" Bug ", "Bug"),
        ("B\u200bu\u00adg\ufeff", "Bug"),
        ("\u202aAda\u202c", "Ada"),
        ("e\u0301cole", "école"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("a\u200db", "ab"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("می\u200c", "می"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f"),
        ("\ufe0fa", "a"),
        (
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        ),
        ("Ship it\U000e0068\U000e0069", "Ship it"),
        ("\u2800", ""),
    ],
)
def test_what_draws_nothing_is_not_stored_unless_it_changes_what_stands_beside_it(text: str, stored: str) -> None:
    assert visible(text) == stored


@pytest.mark.parametrize("one", [*INVISIBLE, "\u200c", "\u200d", "\ufe0f", "\U000e0041", " ", "\u3000", "\u200b\u2060 \u3164"])
def test_nothing_to_see_is_blank(one: str) -> None:
    assert is_blank(one)
    assert not is_blank(f"{one}x")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("STRASSE", "straße"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Ｐａｎｔｈｅｒａ　ｐａｒｄｕｓ", "panthera pardus"),
        ("Bu\u0308g", "BÜG"),
        ("a  b", "A\u00a0B"),
        ("ﬁnal ①", "FINAL 1"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
    ],
)
def test_people_read_these_as_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Bug", "Büg"), ("schon", "schön"), ("и", "й"), ("は", "ば"), ("Bug", "Bugs"), ("l", "1")]
)
def test_these_are_two_names(one: str, other: str) -> None:
    assert fold(one) != fold(other)
    assert collation_key(one) != collation_key(other)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("ecole", "École"),
        ("école", "ecole"),
        ("lodz", "ŁÓDŹ"),
        ("istanbul", "İSTANBUL"),
        ("ISPARTA", "ısparta"),
        ("елка", "Ёлка"),
        ("  ada  ", "Ada L"),
    ],
)
def test_accents_and_blanks_around_the_words_do_not_matter_to_a_search(query: str, text: str) -> None:
    assert search_key(query) in search_key(text)


def test_names_stand_where_people_look_for_them() -> None:
    wanted = [
        "{draft}",
        "“Quoted”",
        "🚀 Launch",
        "2 of 3",
        "9",
        "Ärger",
        "Äpfel",
        "Apple",
        "apple pie",
        "banana",
        "cote",
        "coté",
        "côte",
        "côté",
    ]
    wanted += ["éclair", "Øre", "straße", "Strata", "zebra", "и", "й", "к"]
    wanted.remove("Ärger")
    wanted.insert(wanted.index("banana"), "Ärger")
    assert sorted(set(wanted), key=collation_key) == wanted
