"""Finds words that differ from another by one or two typing errors (an edit distance that counts swapped letters once).

`lookup_keys` are the forms of a word with up to so many letters left out as may be wrong, as numbers: two words within that
distance share one of them (Garbe's symmetric delete algorithm, on the first 7 letters). So an index on these numbers finds all
candidates and few others; `distance` decides. Rejected: trigrams (`tsak` and `task` share one of eight).
"""

import zlib
from itertools import combinations

MIN_CHARS, MAX_CHARS = 4, 24
_PREFIX_CHARS = 7
_TWO_ERRORS_FROM_CHARS = 6


def is_correctable(word: str) -> bool:
    """Whether typing errors are looked for: in words of 4 to 24 letters."""
    return MIN_CHARS <= len(word) <= MAX_CHARS and word.isalpha()


def max_errors(word: str) -> int:
    """How many errors a word may have: 1 below 6 letters, else 2."""
    return 2 if len(word) >= _TWO_ERRORS_FROM_CHARS else 1


def lookup_keys(word: str) -> list[int]:
    """At most 29 numbers of 32 bits, signed; two words within the distance share one."""
    prefix = word[:_PREFIX_CHARS]
    forms = {prefix}
    for errors in range(1, max_errors(word) + 1):
        forms.update("".join(kept) for kept in combinations(prefix, max(0, len(prefix) - errors)))
    return sorted({_number(form) for form in forms})


def _number(form: str) -> int:
    number = zlib.crc32(form.encode())
    return number - 2**32 if number >= 2**31 else number


def distance(one: str, other: str, limit: int) -> int:
    """The number of letters to insert, delete, replace or swap with their neighbour; `limit` + 1 for any more than `limit`."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row = row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit and (not before or min(above) > limit):
            return limit + 1
        before = above
    return min(row[-1], limit + 1)
