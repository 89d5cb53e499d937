"""Defines how names and titles are compared, searched and sorted, once for every list and every unique name.

- `visible` is the form in which a text is stored: NFC, without characters that draw nothing.
- `fold` is equal for two texts that people read as the same name, whatever their case, width, Unicode form and blanks
  (NFKC_Casefold of UAX #31, and `ß` is `ss`, `ς` is `σ`). Accents count: `Büg` is not `Bug`.
- `search_key` also takes away accents (`école` is found by `ecole`, `Łódź` by `lodz`). A text contains another where its search
  key contains the other's.
- `collation_key` sorts and compares: the search key, then, where they differ, U+0001 and the fold. Compared by code point, it
  puts Äpfel beside Apple, unaccented before accented, symbols and emoji before digits before letters. Equal keys mean equal
  folds, so uniqueness is an index on this one column; a query is found in it by its search key.

The keys are computed here and stored beside the text, because paging by keyset needs an order that SQL and cursors agree on, that
an index can hold, and that no upgrade of a library changes under the rows. Rejected: ICU collations (the Postgres that comes with
the packages is built without ICU, and an upgrade of ICU silently reorders indexes), `lower()` of SQL (leaves `ß`, `ς`, width and
Unicode forms apart), an immutable SQL function (`casefold` needs Postgres 18; a second definition beside this one), natural order
of numbers (`v10` before `v9` is what code points and ICU's default say).

The order is that of no single language: å stands by a, as in ICU's root collation, where Swedish would put it last.
"""

import re
from functools import cache

from domain.normalization import mark_ranges, normalize

SEPARATOR = "\x01"
"""Between the parts of a collation key: below everything that a line of text may hold."""
_SYMBOL = "\x02"  # before what would sort behind letters though it is none

# Default_Ignorable_Code_Point of Unicode, and the empty pattern of Braille, which draws nothing either.
_JOINERS = "\u200c\u200d"
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_TAGS = "\U000e0020-\U000e007f"
_NEVER_SEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_NEVER_SEEN}{_JOINERS}{_SELECTORS}{_TAGS}]")
_DROPPED = re.compile(f"[{_NEVER_SEEN}]")
# Joiners and selectors draw nothing but change what stands beside them. Joiners do so between letters of other scripts than Latin
# and between emoji; selectors behind something visible; tags behind the black flag, for the flags of England, Scotland, Wales …
_STRAY_TAG = re.compile(f"(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{{3,6}}\U000e007f)|[{_TAGS}]")
_NO_LETTER_OF_OTHERS = f"\u0000-\u036f\\s{_JOINERS}"
_STRAY_JOINER = re.compile(
    f"(?<![^{_NO_LETTER_OF_OTHERS}])[{_JOINERS}]+|[{_JOINERS}]+(?![^{_NO_LETTER_OF_OTHERS}{_SELECTORS}{_TAGS}])"
)
_STRAY_SELECTOR = re.compile(f"(?<![^\\s{_JOINERS}{_SELECTORS}{_TAGS}])[{_SELECTORS}]+")
_JOINER_OR_SELECTOR = re.compile(f"[{_JOINERS}{_SELECTORS}]")

# Marks that are accents, not letters: of Latin, Greek and Cyrillic, and the points of Hebrew and Arabic. й and ў are letters.
_ACCENT = re.compile(
    "(?<![\u0438\u0443])\u0306|[\u0300-\u0305\u0307-\u034e\u0350-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)
# Letters that people type without their stroke or ligature, though Unicode does not decompose them.
_PLAIN = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ŋ": "n", "þ": "th", "ŧ": "t"}
)
_ASCII_SYMBOL = re.compile("[{|}~]")


def visible(text: str) -> str:
    """The text as it is stored: without blanks at its ends and without what draws nothing, in NFC. Idempotent."""
    text = text.strip()
    if text.isascii():
        return text
    text = normalize("NFC", text)
    if _INVISIBLE.search(text):
        text = _DROPPED.sub("", text)
        text = _STRAY_TAG.sub(lambda found: found[1] or "", text)
        text = _STRAY_SELECTOR.sub("", text)
        text = _STRAY_JOINER.sub("", text)
    return normalize("NFC", text).strip()


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen."""
    return not _INVISIBLE.sub("", text).strip()


def fold(text: str) -> str:
    """Equal for texts that are the same name to people. One line: each run of white space is one blank. Idempotent."""
    text = visible(text)
    if text.isascii():
        text = text.lower()
    else:
        text = _JOINER_OR_SELECTOR.sub("", text)
        text = _nfkc(_nfkc(normalize("NFD", text).casefold()).casefold())
    return " ".join(text.split())


def search_key(text: str) -> str:
    """The fold without accents. Empty for a text with nothing in it but blanks, accents and what draws nothing."""
    return _search_key(fold(text))


def collation_key(text: str) -> str:
    """What a name sorts and compares by: the search key, and the fold where it differs."""
    return joined_key(fold(text))


def joined_key(folded: str) -> str:
    """The collation key of a text that is folded already."""
    searched = _search_key(folded)
    return searched if searched == folded else f"{searched}{SEPARATOR}{folded}"


def _search_key(folded: str) -> str:
    if not folded.isascii():
        plain = _ACCENT.sub("", normalize("NFD", folded)).translate(_PLAIN)
        folded = " ".join(normalize("NFC", plain).split())
        return _symbols().sub(_before_letters, folded)
    return _ASCII_SYMBOL.sub(_before_letters, folded)


def _before_letters(found: re.Match[str]) -> str:
    return _SYMBOL + found[0]


def _nfkc(text: str) -> str:
    return normalize("NFKC", text)


@cache
def _symbols() -> re.Pattern[str]:
    """What is no letter, mark or number and sorts behind letters."""
    return re.compile(f"{_ASCII_SYMBOL.pattern}|[^\\x00-\\x7f\\w{mark_ranges()}]")
