"""Texts are normalized as Unicode says, and however many marks stand on a letter, in time that grows with their number."""

import time
import unicodedata
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.collation import search_key, visible
from domain.normalization import Form, mark_ranges, normalize
from domain.search.tokens import words

FORMS: tuple[Form, ...] = ("NFC", "NFD", "NFKC", "NFKD")
_BECOME_MARKS = [
    chr(code) for code in range(0x80, 0x110000) if unicodedata.combining(unicodedata.normalize("NFKD", chr(code))[0])
]
_OTHERS = ["a", "e\u0301", "\u1ebf", "\u0f40", "\u304b", "\U0001f600", "\u3002", " "]


@given(st.lists(st.sampled_from([*_BECOME_MARKS, *_OTHERS]), max_size=120), st.sampled_from(FORMS))
def test_a_text_is_normalized_as_unicode_says(characters: list[str], form: Form) -> None:
    # Long runs of marks are what this module treats otherwise.
    for text in ("".join(characters), "a" + "".join(each for each in characters if each in _IS_MARK) * 3):
        assert normalize(form, text) == unicodedata.normalize(form, text)


_IS_MARK = frozenset(_BECOME_MARKS)


def test_all_marks_are_known() -> None:
    known: set[str] = set()
    ranges = mark_ranges()
    for start in range(0, len(ranges), 3):
        known.update(map(chr, range(ord(ranges[start]), ord(ranges[start + 2]) + 1)))
    assert known == {chr(code) for code in range(0x110000) if unicodedata.category(chr(code))[0] == "M"}


# One mark of each class, and all that become marks without being some.
_OF_EACH_CLASS = list({unicodedata.combining(each): each for each in _BECOME_MARKS}.values())
_ODD = [each for each in _BECOME_MARKS if not unicodedata.combining(each)]


def test_what_becomes_marks_without_being_some_is_known() -> None:
    assert "".join(_ODD) == "\u0f73\u0f75\u0f81\uff9e\uff9f"


@pytest.mark.parametrize("form", FORMS)
def test_marks_in_any_order_take_as_long_as_letters(form: Form) -> None:
    began = time.thread_time()
    for _ in range(20):
        unicodedata.normalize(form, "\u1ebf" * 65_000)
    of_letters = (time.thread_time() - began) / 20
    for pair in product(("\u0301", "\u05b0", *_ODD), ("\u0323", "\u3099", *_OF_EACH_CLASS[:20:5])):
        text = "a" + "".join(pair) * 8_000
        began = time.thread_time()
        normalize(form, text)
        # It is about four times; in the order of insertion it were two hundred times.
        assert time.thread_time() - began < 0.05 + 25 * of_letters, pair


@pytest.mark.parametrize(
    "unit", ["\ufdfa", "\ufdfb", "\u3316", "\u1ebf", "\u6f22\u5b57", "\u0301\u0323", "\u304b\uff9e", "\U0001f600"]
)
def test_the_words_of_the_longest_text_are_made_in_moments(unit: str) -> None:
    text = "a" + unit * (65_000 // len(unit))
    began = time.thread_time()
    search_key(visible("\u6f22\u5b57" * 32_500))
    usual = time.thread_time() - began
    began = time.thread_time()
    words(visible(text))
    assert time.thread_time() - began < 20 * max(usual, 0.02)


def test_a_text_in_pieces_has_the_words_of_the_whole() -> None:
    text = "Ein schöner Tag in München, " * 2_000
    assert words(text) == ["ein", "schoner", "tag", "in", "munchen"] * 2_000
    unspaced = "今日は、良い天気です。" * 3_000
    assert words(unspaced) == words("今日は、良い天気です。") * 3_000
