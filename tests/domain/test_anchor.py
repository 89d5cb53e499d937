"""Anchors: text that is found again after edits."""

import pytest

from domain.anchor import Anchor, create_anchor, locate
from domain.errors import DomainError

WORDS = "The cat sat. The dog sat. The end.\n"


@pytest.mark.parametrize(
    ("prefix", "suffix", "start"), [(None, None, 8), ("dog ", None, 21), (None, ". The end", 21), ("cat ", ". The dog", 8)]
)
def test_a_quote_is_told_from_the_same_elsewhere_by_what_stands_around_it(
    prefix: str | None, suffix: str | None, start: int
) -> None:
    found = create_anchor(WORDS, "sat", prefix, suffix, ("input", "anchor"))
    assert (found.quote, found.start) == ("sat", start)
    assert found.prefix + "sat" + found.suffix in WORDS


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (WORDS, 21),
        (f"Before. {WORDS}", 29),
        ("The cat sat. Then the dog sat! Fine.", 26),
        ("The dog sat. The cat sat. The end.", 8),
        ("It sat.", 3),
        ("It stood.", None),
        ("", None),
    ],
)
def test_a_quote_is_found_where_it_fits_best_or_is_gone(words: str, start: int | None) -> None:
    sought = create_anchor(WORDS, "sat", "dog ", None, ("input", "anchor"))
    assert locate(words, sought) == start


def test_the_nearest_of_equals_is_taken() -> None:
    assert locate("a a a a", Anchor(quote="a", prefix="", suffix="", start=5)) == 4


@pytest.mark.parametrize(("quote", "code"), [("stood", "INVALID"), (" ", "REQUIRED"), ("x" * 1001, "TOO_LONG")])
def test_what_cannot_be_found_is_refused(quote: str, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        create_anchor(WORDS, quote, None, None, ("input", "anchor"))
    assert (refused.value.code, refused.value.path) == (code, ("input", "anchor", "quote"))
