"""Splits texts into the words by which they are found.

Index and queries are split alike, from the search key of the text (`domain.collation`): case, accents, width and Unicode form
make no difference. A word is a run of letters, marks and digits, so `foo_bar.baz()` is `foo`, `bar`, `baz`, and an e-mail
address its parts; a query for either asks for these side by side. Scripts that write without blanks (Chinese, Japanese, Thai,
Lao, Khmer, Burmese) are split into overlapping pairs, as Lucene's CJKAnalyzer does. In Arabic, forms of alef, yeh and teh
marbuta are one letter, and the tatweel none.
"""

import re
from collections.abc import Iterator
from functools import cache

from domain.collation import search_key
from domain.normalization import mark_ranges

MAX_WORD_CHARS = 64
"""Longer words are cut, in texts and in queries."""
MAX_FOLDED_CHARS = 128 * 1024
"""Of a text that grows by folding, as ﷺ does into 18 letters, what follows is not found; what people write is shorter."""
_PIECE_CHARS = 8 * 1024
_BLANKS = " \n\u3000\u3001\u3002\uff0c"  # and what stands for them in Chinese and Japanese

_UNSPACED = (
    "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_PARTS = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_ASCII_WORD = re.compile("[a-z0-9]+")
TATWEEL = "\u0640"
ARABIC_LETTERS = {"\u0649": "\u064a", "\u0629": "\u0647", "\u0671": "\u0627", "\u06cc": "\u064a"}
"""Forms of letters, and the letters."""
_ARABIC = str.maketrans({TATWEEL: "", **ARABIC_LETTERS})
_ARABIC_LETTER = re.compile("[\u0620-\u06ff]")
_CAMEL = re.compile(r"\b(?:[A-Z]*[a-z0-9]+)(?:[A-Z]+[a-z0-9]*)+\b|\b[A-Z]{2,}[a-z][A-Za-z0-9]*\b")
_MAY_BE_CAMEL = re.compile("[A-Z](?:(?<=[a-z0-9].)|[A-Z][a-z])")  # begins with a set, which is looked for fast
_CAMEL_PART = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
_MAX_CAMEL_PARTS = 8
_ARTICLE = "\u0627\u0644"  # al-


@cache
def word_pattern() -> re.Pattern[str]:
    """A run of letters, digits and the marks on them, in any script."""
    return re.compile(f"[^\\W_](?:[^\\W_]|[{mark_ranges()}])*")


def words(text: str) -> list[str]:
    """The words of a text in their order, folded."""
    if text.isascii():  # what a search key adds to it is no part of words
        found: list[str] = _ASCII_WORD.findall(text.lower())
        if len(max(found, key=len, default="")) > MAX_WORD_CHARS:
            found = [word[:MAX_WORD_CHARS] for word in found]
        return found
    found = []
    folded_chars = 0
    for piece in _pieces(text):
        folded = search_key(piece)
        folded_chars += len(folded)
        if folded_chars > MAX_FOLDED_CHARS:
            break
        found += split(folded)
    return found


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces that begin at a blank, where there is one."""
    start = 0
    while len(text) - start > _PIECE_CHARS:
        end = start + _PIECE_CHARS
        blank = max(text.rfind(each, start + 1, end) for each in _BLANKS)
        end = blank if blank > 0 else end
        yield text[start:end]
        start = end
    yield text[start:]


def split(folded: str) -> Iterator[str]:
    """The words of a text that is a search key already."""
    if folded.isascii():
        for found in _ASCII_WORD.finditer(folded):
            yield found[0][:MAX_WORD_CHARS]
        return
    if _ARABIC_LETTER.search(folded):
        folded = folded.translate(_ARABIC)
    for found in word_pattern().finditer(folded):
        run = found[0]
        if not _IS_UNSPACED.search(run):
            yield run[:MAX_WORD_CHARS]
            continue
        for part in _PARTS.findall(run):
            if _IS_UNSPACED.match(part):
                yield from _pairs(part)
            else:
                yield part[:MAX_WORD_CHARS]


def _pairs(run: str) -> Iterator[str]:
    """Each character with the next, and the last one alone."""
    for index in range(len(run)):
        yield run[index : index + 2]


def is_unspaced(word: str) -> bool:
    """Whether the word is of a script that writes without blanks: a pair of its characters, or one."""
    return not word.isascii() and _IS_UNSPACED.match(word) is not None


def side_words(text: str) -> set[str]:
    """Words by which a text is found too though they are parts of its own: of `getUserName`, and Arabic without the article."""
    found: set[str] = set()
    for match in _CAMEL.finditer(text) if _MAY_BE_CAMEL.search(text) else ():
        parts = [part.lower() for part in _CAMEL_PART.findall(match[0])][:_MAX_CAMEL_PARTS]
        found.update(part[:MAX_WORD_CHARS] for part in parts)
        found.update("".join(parts[start:])[:MAX_WORD_CHARS] for start in range(1, len(parts) - 1))
    if not text.isascii() and _ARABIC_LETTER.search(text):
        found.update(each.removeprefix(_ARTICLE) for each in words(text) if each.startswith(_ARTICLE) and len(each) > 4)
    return found


def variants(word: str) -> tuple[str, ...]:
    """Other forms of a word that a query means too: the singular or plural of an English one, an Arabic one without its
    article.
    """
    if word.startswith(_ARTICLE) and len(word) > 4:
        return (word.removeprefix(_ARTICLE),)
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return ()
    if word.endswith("ies") and len(word) > 4:
        return (f"{word[:-3]}y",)
    if word.endswith(("ses", "xes", "zes", "ches", "shes")):
        return (word[:-2], word[:-1])
    if word.endswith("s"):
        return () if word.endswith(("ss", "us", "is")) else (word[:-1],)
    if word.endswith("y") and word[-2] not in "aeiou":
        return (f"{word[:-1]}ies",)
    return (f"{word}es",) if word.endswith(("x", "z", "ch", "sh")) else (f"{word}s",)
