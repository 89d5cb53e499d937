"""Anchors: text that is found again after edits, and never somewhere else."""

import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.anchor import Anchor, Utf16Offsets, create_anchor, locate
from domain.errors import DomainError
from tests.support.examples import examples

WORDS = "The cat sat. The dog sat. The end.\n"
PATH = ("input", "anchor")
many = examples(100, many=4_000, derandomize=True, database=None)
sentences = st.lists(
    st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=9), min_size=4, max_size=9, unique=True
).map(" ".join)


@pytest.mark.parametrize(
    ("prefix", "suffix", "start"), [(None, None, 8), ("dog ", None, 21), (None, ". The end", 21), ("cat ", ". The dog", 8)]
)
def test_a_quote_is_distinguished_from_the_same_elsewhere_by_what_stands_around_it(
    prefix: str | None, suffix: str | None, start: int
) -> None:
    found = create_anchor(WORDS, "sat", prefix, suffix, PATH)
    assert (found.quote, found.start) == ("sat", start)
    assert found.prefix + "sat" + found.suffix in WORDS


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (WORDS, 21),
        (f"Before. {WORDS}", 29),
        ("The cat sat. Then the dog sat! Fine.", 26),
        ("The dog sat. The cat sat. The end.", 8),
        ("It sat.", None),
        ("It stood.", None),
        ("", None),
    ],
)
def test_a_quote_is_found_where_it_fits_best_or_is_gone(words: str, start: int | None) -> None:
    assert locate(words, create_anchor(WORDS, "sat", "dog ", None, PATH)) == start


ROCKET = "Alpha: ship the rocket today.\n\nAnother paragraph, so that nothing is near.\n\nGamma: feed the cat.\n"


@pytest.mark.parametrize(
    ("edited", "found"),
    [
        (ROCKET.replace("today", "tomorrow"), True),
        (ROCKET.replace("ship the rocket", "launch the big rocket"), True),
        (ROCKET.replace("Alpha: ship the", "Beta: we shall not ship the"), True),
        (ROCKET.replace(" rocket today.", " whole thing on Monday, or on Tuesday."), True),
        (f"Gamma: feed the cat.\n\n{ROCKET}", True),
        (ROCKET.replace("Alpha: ship the rocket today.\n\n", "") + "\nAlpha: ship the rocket today.\n", True),
        (ROCKET.replace("Alpha: ship the rocket today.\n\n", ""), False),
        (ROCKET.replace("ship the rocket", "ship a rocket"), False),
        (ROCKET.replace("Alpha: ship the rocket today.", "Alpha: we wait."), False),
        ("Please feed the cat today.\n", False),
        ("the the the the", False),
    ],
)
def test_a_short_word_stays_through_edits_and_goes_with_what_stood_around_it(edited: str, found: bool) -> None:
    place = locate(edited, create_anchor(ROCKET, "the", None, " rocket", PATH))
    if found:
        assert place is not None
        assert "the" in edited[place:]
        around = edited[max(0, place - 20) : place + 20]
        assert "rocket" in around or "ship" in around
    else:
        assert place is None


def test_a_phrase_that_every_section_has_goes_with_its_section() -> None:
    sections = [f"Part {name}\n\nStatus: not started yet\n\nOwner: {who}\n" for name, who in (("one", "Ada"), ("two", "Ben"))]
    sought = create_anchor("\n".join(sections), "not started yet", "Part one\n\nStatus: ", None, PATH)
    assert locate(sections[1], sought) is None
    assert locate(sections[0], sought) is not None
    assert locate("\n".join(reversed(sections)), sought) == "\n".join(reversed(sections)).rindex("not started")


@many
@given(before=sentences, after=sentences, third=sentences, word=st.sampled_from(["the", "now", "cat", "é", "試"]))
def test_what_stood_elsewhere_is_not_taken_when_all_around_is_gone(before: str, after: str, third: str, word: str) -> None:
    kept = set(before.split()) | set(after.split())
    assume(not kept & set(third.split()))
    first, second = f"{before} {word} {after}.", f"{third[: len(third) // 2]} {word} {third[len(third) // 2 :]}."
    sought = create_anchor(f"{first}\n\n{second}", word, f"{before} ", f" {after}", PATH)
    assert sought.start == len(before) + 1
    assume(len(before) > 12)
    assume(len(after) > 12)
    place = locate(second, sought)
    assert place is None or sought.prefix[-3:] == second[max(0, place - 3) : place]


@many
@given(
    before=sentences,
    after=sentences,
    added=st.text(max_size=60),
    place=st.integers(0, 200),
    word=st.sampled_from(["the", "試", "👍"]),
)
def test_text_that_comes_in_anywhere_else_does_not_lose_the_quote(
    before: str, after: str, added: str, place: int, word: str
) -> None:
    words = f"{before} {word} {after}"
    sought = create_anchor(words, word, f"{before} ", f" {after}", PATH)
    at = place % (len(words) + 1)
    assume(not len(before) + 1 < at < len(before) + 1 + len(word))
    assume(len(before) > 20)
    assume(len(after) > 20)
    assume(word not in added)
    edited = words[:at] + added + words[at:]
    found = locate(edited, sought)
    assert found is not None
    assert edited[found : found + len(word)] == word


@many
@given(words=st.text(alphabet="ab \n👍é", max_size=60), span=st.tuples(st.integers(0, 60), st.integers(1, 6)))
def test_in_an_unchanged_text_a_quote_is_where_it_was(words: str, span: tuple[int, int]) -> None:
    start, quote = span[0], words[span[0] : span[0] + span[1]]
    assume(quote.strip())
    made = create_anchor(words, quote, words[:start], words[start + len(quote) :], PATH)
    assert words[made.start : made.start + len(quote)] == quote
    assert locate(words, made) == made.start


def test_the_nearest_of_equals_is_taken() -> None:
    assert locate("a a a a", Anchor(quote="a", prefix="", suffix="", start=5)) == 4


def test_a_paragraph_that_is_moved_is_found_where_it_is() -> None:
    moved = "This very paragraph is the one that somebody commented on."
    words = f"First of all.\n\n{moved}\n\nIn between.\n\nLast of all.\n"
    sought = create_anchor(words, moved, None, None, PATH)
    after = f"First of all.\n\nIn between.\n\nLast of all.\n\nSomething new stands here.\n\n{moved}\n"
    assert locate(after, sought) == after.index(moved)


@pytest.mark.parametrize(("quote", "code"), [("stood", "INVALID"), (" ", "REQUIRED"), ("x" * 1001, "TOO_LONG")])
def test_what_cannot_be_found_is_refused(quote: str, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        create_anchor(WORDS, quote, None, None, PATH)
    assert (refused.value.code, refused.value.path) == (code, (*PATH, "quote"))


def test_where_a_word_stands_everywhere_looking_takes_milliseconds() -> None:
    words = "the cat and the dog and the bird and the fish\n" * 20_000
    sought = Anchor(quote="the", prefix="nothing of this is ", suffix=" in the text any more", start=450_000)
    started = time.process_time()
    for _ in range(20):
        assert locate(words, sought) is None
    assert time.process_time() - started < 2.0


@many
@given(words=st.text(alphabet="a👍é\U0001f1e9試", max_size=30), offset=st.integers(0, 30))
def test_offsets_are_those_of_javascript(words: str, offset: int) -> None:
    offset = min(offset, len(words))
    assert Utf16Offsets(words).of(offset) == len(words[:offset].encode("utf-16-le")) // 2
