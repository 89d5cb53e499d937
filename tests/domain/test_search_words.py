"""Words of texts: short ways find what the long ones find, and a vector holds every word with its places."""

import re
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.collation import search_key
from domain.events import FieldChange
from domain.search import tokens
from domain.search.entry import SearchEntry
from domain.search.tokens import side_words, split, words
from domain.search.typo import is_correctable
from persistence.search import index_writes, vectors
from persistence.search.vectors import vector
from tests.support.examples import examples

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


@examples(50, many=2_000)
@given(parts=st.lists(_ASCII, min_size=3, max_size=3), times=st.integers(0, 300))
def test_short_vectors_are_what_vectors_with_bounds_are(parts: list[str], times: int) -> None:
    keywords, title, text = parts
    weighted = (keywords, "A"), (title, "A"), (text + " word" * times, "")
    assert vectors._vector(weighted) == vectors._bounded_vector(weighted)


@examples(100, many=5_000)
@given(before=_TEXTS, after=_TEXTS, is_edit=st.booleans())
def test_words_are_new_where_they_stand_in_what_is_new_between_blanks(before: str, after: str, is_edit: bool) -> None:
    if is_edit:
        after = before[: len(before) // 2] + after + before[len(before) // 2 :]
    new = index_writes._words(after) - index_writes._words(before)
    change = FieldChange(field="title", before=before, after=after)
    assert index_writes._has_new_words(change) == any(map(is_correctable, new))


def test_a_vector_of_a_long_text_stops_at_what_postgres_takes() -> None:
    title = "word " * 300
    text = " ".join(f"w{number}" for number in range(20_000)) + " word"
    entry = SearchEntry(type_name="Task", id=UUID(int=1), project_id=UUID(int=2), title=title, text=text, at=datetime.now(UTC))
    found = dict(_LEXEME.findall(vector(entry)))
    assert len(found["word"].split(",")) == 255
    assert (found["w0"], found["w16000"], found["w19999"]) == ("321", "16321", "")
    assert max(int(each.rstrip("A")) for places in found.values() if places for each in places.split(",")) == 16_383
