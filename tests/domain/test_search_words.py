"""Words of texts: short ways find what the long ones find, and a vector holds every word with its places."""

import re
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.collation import search_key
from domain.search import tokens
from domain.search.entry import SearchEntry
from domain.search.tokens import side_words, split, words
from persistence.search.vectors import vector

_ASCII = st.text(st.characters(max_codepoint=127, exclude_characters="\0"), max_size=200)
_NAMES = st.lists(st.sampled_from(["get", "User", "HTTP", "name", "ID", "x", "2", "É", "ß", " ", "_", "-", "Zed"]), max_size=12)
_TEXTS = st.one_of(_ASCII, _NAMES.map("".join), st.text(max_size=60))
_LEXEME = re.compile(r"'([^']*)'(?::([0-9AD,]+))?")


@given(text=_TEXTS)
def test_words_are_those_of_the_search_key(text: str) -> None:
    assert words(text) == list(split(search_key(text)))


@given(text=_TEXTS)
def test_a_text_with_parts_of_names_is_recognized(text: str) -> None:
    if not tokens._MAY_BE_CAMEL.search(text):
        assert tokens._CAMEL.search(text) is None


@given(title=_TEXTS, text=_TEXTS)
def test_a_vector_holds_each_word_at_its_places(title: str, text: str) -> None:
    entry = SearchEntry(
        type_name="Task", id=UUID(int=1), project_id=UUID(int=2), title=title, keywords="ENG-7", text=text, at=datetime.now(UTC)
    )
    found = {word: (places or "").split(",") for word, places in _LEXEME.findall(vector(entry))}
    expected: dict[str, list[str]] = {}
    at = 0
    for part, weight in (("ENG-7", "A"), (title, "A"), (text, "")):
        for word in words(part):
            at += 1
            expected.setdefault(word, []).append(f"{at}{weight}")
        at += 10
        for word in side_words(part) - expected.keys():
            expected[word] = [f"{at}{weight}"]
    assert found == expected


def test_a_vector_of_a_long_text_stops_at_what_postgres_takes() -> None:
    title = "word " * 300
    text = " ".join(f"w{number}" for number in range(20_000)) + " word"
    entry = SearchEntry(type_name="Task", id=UUID(int=1), project_id=UUID(int=2), title=title, text=text, at=datetime.now(UTC))
    found = dict(_LEXEME.findall(vector(entry)))
    assert len(found["word"].split(",")) == 255
    assert (found["w0"], found["w16000"], found["w19999"]) == ("321", "16321", "")
    assert max(int(each.rstrip("A")) for places in found.values() if places for each in places.split(",")) == 16_383
