"""Reads what a person types into a search box.

Everything is text: there are no operators but quotes around a phrase. The last word may be unfinished, unless something stands
behind it. Words side by side without a blank (`foo_bar.baz()`, `ENG-42`, an e-mail address) are looked for side by side.
"""

import re
import unicodedata
from dataclasses import dataclass, replace

from domain.collation import search_key, visible
from domain.errors import BadUserInput
from domain.search.tokens import is_unspaced, words

MAX_QUERY_CHARS = 500
MAX_TERMS = 12
_MAX_PHRASE_WORDS = 16
_QUOTED = re.compile('["\u201c\u201d\u201e\u00ab\u00bb]([^"\u201c\u201d\u201e\u00ab\u00bb]*)["\u201c\u201d\u00ab\u00bb]')
_KEY = re.compile(r"([a-z][a-z0-9]{0,9})[-\s#:/]{0,2}(\d{1,9})")

# Words that say nothing in a question of several: asked for only when there is nothing else, or in quotes.
_FILLERS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be by can did do does for from had has have how i in is it its me my of on or our should that the "
        "their then there these they this to was we were what when where which who why will with you your",
    )
)


@dataclass(frozen=True, slots=True)
class Term:
    """Words that a text must have side by side; of the last one only the beginning, where it is unfinished."""

    words: tuple[str, ...]
    is_unfinished: bool = False

    @property
    def is_phrase(self) -> bool:
        """Whether it is more than one word."""
        return len(self.words) > 1


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked for. `title`: the search key of the whole text, for titles that begin with it; `task_key`: the key that the
    text may be, such as ENG-42."""

    text: str
    terms: tuple[Term, ...]
    title: str
    task_key: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look for."""
        return not self.terms


def parse(text: str) -> Query:
    """Read a query. Raises BadUserInput for one of more than 500 characters."""
    if len(text) > MAX_QUERY_CHARS:
        raise BadUserInput(f"A query has at most {MAX_QUERY_CHARS} characters.", path=("query",))
    text = text.replace("\0", " ")
    terms: list[Term] = []
    rest_start = 0
    for quoted in _QUOTED.finditer(text):
        terms += _plain_terms(text[rest_start : quoted.start()], unfinished=False)
        phrase = tuple(words(quoted[1]))[:_MAX_PHRASE_WORDS]
        if phrase:
            terms.append(Term(phrase))
        rest_start = quoted.end()
    terms += _plain_terms(text[rest_start:], unfinished=unicodedata.category(text[-1:] or " ")[0] in "LMN")
    terms = list(dict.fromkeys(terms))
    telling = [each for each in terms if each.is_phrase or each.words[0] not in _FILLERS]
    folded = search_key(text)
    found = _KEY.fullmatch(folded)
    return Query(
        text=visible(text),
        terms=tuple((telling or terms)[:MAX_TERMS]),
        title=folded,
        task_key=None if found is None else f"{found[1].upper()}-{int(found[2])}",
    )


def _plain_terms(text: str, *, unfinished: bool) -> list[Term]:
    terms: list[Term] = []
    for chunk in text.split():
        found = tuple(words(chunk))[:_MAX_PHRASE_WORDS]
        if found:
            terms.append(Term(found))
    if unfinished and terms:
        terms[-1] = replace(terms[-1], is_unfinished=True)
    return [_without_trailing_single(each) for each in terms]


def _without_trailing_single(term: Term) -> Term:
    """A run of a script without blanks ends with its last character alone, which its pairs say already."""
    if len(term.words) > 1 and is_unspaced(term.words[-1]) and len(term.words[-1]) == 1 and is_unspaced(term.words[-2]):
        return replace(term, words=term.words[:-1], is_unfinished=False)
    return term
