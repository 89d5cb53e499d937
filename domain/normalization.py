"""Normalizes text in time that grows with its length.

`unicodedata.normalize` puts the marks on a letter in order by insertion: 64,000 marks of two classes in turn take it four
seconds. Runs of marks longer than any script writes (30 of them, as in the Stream-Safe Text Format of UAX #15) are put in order
here first, which changes nothing in the result.
"""

import re
import unicodedata
from functools import cache
from typing import Final, Literal

_MAX_UNSORTED_MARKS: Final = 30
_BECOME_MARKS: Final = "\u0f73\u0f75\u0f81\uff9e\uff9f"
"""They are none, and are made of some; the last two in the forms with a K."""
_RUN = re.compile(f"(?:[^\\x00-\\x7f\\w]|[{_BECOME_MARKS}]){{{_MAX_UNSORTED_MARKS + 1},}}")  # of marks, or of symbols

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]


def normalize(form: Form, text: str) -> str:
    """The same as `unicodedata.normalize`."""
    if text.isascii():
        return text
    if _RUN.search(text):
        decomposition: Form = "NFKD" if "K" in form else "NFD"
        text = _RUN.sub(lambda found: _in_order(decomposition, found[0]), text)
    return unicodedata.normalize(form, text)


def _in_order(decomposition: Form, run: str) -> str:
    """A run, decomposed, with the marks on each letter in the canonical order."""
    if sum(map(run.count, _BECOME_MARKS)) + sum(map(bool, map(unicodedata.combining, run))) <= _MAX_UNSORTED_MARKS:
        return run
    parts: list[str] = []
    marks: list[str] = []
    for character in run:
        for part in unicodedata.normalize(decomposition, character):
            if unicodedata.combining(part):
                marks.append(part)
            else:
                parts += sorted(marks, key=unicodedata.combining)
                parts.append(part)
                marks.clear()
    parts += sorted(marks, key=unicodedata.combining)
    return "".join(parts)


@cache
def mark_ranges() -> str:
    """All marks of Unicode, as ranges of a set in a regular expression."""
    ranges = []
    start = None
    for code in (*range(0x300, 0x20000), *range(0xE0000, 0xE0200)):
        is_mark = unicodedata.category(chr(code))[0] == "M"
        if is_mark and start is None:
            start = code
        elif not is_mark and start is not None:
            ranges.append(f"{chr(start)}-{chr(code - 1)}")
            start = None
    return "".join(ranges)
