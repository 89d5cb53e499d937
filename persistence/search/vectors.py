"""Writes words as Postgres' `tsvector` and `tsquery`.

The words are made by `domain.search.tokens`, so there is one definition of them, beside that of names (`domain.collation`), for
the index, queries and highlights alike. Rejected: `to_tsvector` with a configuration of Postgres (its parser splits
`foo_bar.baz()` and addresses in ways of its own, knows no script without blanks, and `unaccent` is an extension with other rules
than ours).

For example, a task ENG-42 "Fix the boiler" becomes `'eng':1A '42':2A 'fix':3A 'the':4A 'boiler':5A`, and the query `"the boiler"
fi` becomes `('the' <-> 'boiler') & 'fi':*`.
"""

from collections.abc import Sequence

from domain.search.entry import SearchEntry
from domain.search.query import Term
from domain.search.tokens import is_unspaced, side_words, variants, words

_MAX_POSITION = 16_383
_MAX_POSITIONS = 255
_MAX_VECTOR_BYTES = 500_000
"""A `tsvector` holds 1 MiB; of a text with more words, those at its end are not found."""
_GAP_POSITIONS = 10  # so that no phrase runs from the title into the text
_MAX_UNCHECKED_CHARS = 16_000
"""Of ASCII: they come to half of the positions, and to a fifth of the bytes, that a vector may have."""


def vector(entry: SearchEntry) -> str:
    """The words of an entry as the text of a `tsvector`: of the title with weight A, of the text with D."""
    parts = (entry.keywords, "A"), (entry.title, "A"), (entry.text, "")
    size = sum(len(part) if part.isascii() else _MAX_UNCHECKED_CHARS for part, _ in parts)
    return _vector(parts) if size < _MAX_UNCHECKED_CHARS else _bounded_vector(parts)


def _vector(parts: Sequence[tuple[str, str]]) -> str:
    """A vector that is too short to come near the bounds, but for the positions of one word."""
    lexemes: dict[str, str] = {}
    at = 0
    for part, weight in parts:
        for word in words(part):
            at += 1
            lexeme = lexemes.get(word)
            if lexeme is None:
                lexemes[word] = f"'{word}':{at}{weight}"
            elif len(lexeme) < _MAX_POSITIONS or lexeme.count(",") < _MAX_POSITIONS - 1:
                lexemes[word] = f"{lexeme},{at}{weight}"
        at += _GAP_POSITIONS
        for word in side_words(part):
            if word not in lexemes:
                lexemes[word] = f"'{word}':{at}{weight}"
    return " ".join(lexemes.values())


def _bounded_vector(parts: Sequence[tuple[str, str]]) -> str:
    lexemes: dict[str, str] = {}
    size = 0
    at = 0
    for part, weight in parts:
        for word in words(part) if part else ():
            at += 1
            lexeme = lexemes.get(word)
            if lexeme is None:
                size += (len(word) if word.isascii() else len(word.encode())) + 8
                if size <= _MAX_VECTOR_BYTES:
                    lexemes[word] = f"'{word}':{at}{weight}" if at <= _MAX_POSITION else f"'{word}'"
            elif at <= _MAX_POSITION and lexeme.count(",") < _MAX_POSITIONS - 1:
                size += 2
                lexemes[word] = f"{lexeme},{at}{weight}"
        at += _GAP_POSITIONS
        for word in side_words(part):
            if word not in lexemes and size <= _MAX_VECTOR_BYTES:
                size += len(word.encode()) + 8
                lexemes[word] = f"'{word}':{min(at, _MAX_POSITION)}{weight}"
    return " ".join(lexemes.values())


def term_query(term: Term, *, in_title: bool = False) -> str:
    """A term as the text of a `tsquery`; `in_title`: with weight A only."""
    weight = "A" if in_title else ""
    last = len(term.words) - 1
    lexemes = []
    for place, word in enumerate(term.words):
        is_open = term.is_unfinished and place == last
        if is_unspaced(word) and len(word) == 1:
            is_open = True  # pairs begin with it
        lexemes.append(_lexeme(word, weight, is_open=is_open))
    if len(lexemes) == 1:
        others = [] if is_unspaced(term.words[0]) else [_lexeme(each, weight) for each in variants(term.words[0])]
        return " | ".join([*lexemes, *others]) if not others else f"({' | '.join([*lexemes, *others])})"
    # Long texts have no positions at their ends, and pairs of characters overlap, which says as much.
    between = " & " if all(map(is_unspaced, term.words)) else " <-> "
    return f"({between.join(lexemes)})"


def all_of(queries: Sequence[str]) -> str:
    """A `tsquery` for texts that match every one."""
    return " & ".join(queries)


def any_of(queries: Sequence[str]) -> str:
    """A `tsquery` for texts that match at least one."""
    return f"({' | '.join(queries)})"


def _lexeme(word: str, weight: str, *, is_open: bool = False) -> str:
    flags = ("*" if is_open else "") + weight
    return f"'{word}'" + (f":{flags}" if flags else "")
