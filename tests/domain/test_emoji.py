"""One emoji is one, with or without the mark that asks for its picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.emoji import fully_qualified
from tests.support.examples import examples

SAME = [
    ("\u2764", "\u2764\ufe0f"),
    ("\u2764\ufe0e", "\u2764\ufe0f"),
    ("\U0001f680\ufe0f", "\U0001f680"),
    ("1\u20e3", "1\ufe0f\u20e3"),
    ("\u261d\ufe0f\U0001f3fb", "\u261d\U0001f3fb"),
    ("\U0001f3f3\u200d\U0001f308", "\U0001f3f3\ufe0f\u200d\U0001f308"),
    ("\U0001f441\u200d\U0001f5e8", "\U0001f441\ufe0f\u200d\U0001f5e8\ufe0f"),
    ("\U0001f469\u200d\u2764\u200d\U0001f468", "\U0001f469\u200d\u2764\ufe0f\u200d\U0001f468"),
    ("\u26f9\U0001f3fb\u200d\u2642", "\u26f9\U0001f3fb\u200d\u2642\ufe0f"),
    ("\U0001f1e9\U0001f1ea", "\U0001f1e9\U0001f1ea"),
    (" \U0001f44d ", "\U0001f44d"),
]


@pytest.mark.parametrize(("given_", "stored"), SAME)
def test_each_form_is_stored_fully_qualified(given_: str, stored: str) -> None:
    assert fully_qualified(given_) == stored
    assert fully_qualified(stored) == stored


@examples(100, many=4_000, derandomize=True, database=None)
@given(
    chosen=st.sampled_from([stored for _, stored in SAME]),
    places=st.lists(st.tuples(st.integers(1, 20), st.sampled_from("\ufe0e\ufe0f"))),
)
def test_selectors_anywhere_or_nowhere_make_no_other_emoji(chosen: str, places: list[tuple[int, str]]) -> None:
    written = list(chosen.replace("\ufe0f", ""))
    for place, selector in places[:8]:
        written.insert(min(place, len(written)), selector)
    assert fully_qualified("".join(written)) == chosen


@examples(100, many=4_000, derandomize=True, database=None)
@given(text=st.text(max_size=6) | st.text(alphabet="\u2764\ufe0f\u200d\U0001f3fb1\u20e3\U0001f1e9ax\U0001f680", max_size=8))
def test_what_comes_out_comes_out_again(text: str) -> None:
    stored = fully_qualified(text)
    assert stored is None or fully_qualified(stored) == stored


@pytest.mark.parametrize(
    "text", ["", " ", "\ufe0f", "a", "1", "\u2764\u2764", ":heart:", "\U0001f1e9", "\u200d", "\u2764" + "\ufe0f" * 40]
)
def test_other_text_is_no_emoji(text: str) -> None:
    assert fully_qualified(text) is None
