"""Fractional ranks: strings that can always be given one more between two others, compared by code point.

A rank is an integer part of fixed-by-its-head length followed by a fraction in base 62. Appending counts the integer part up, so
ranks at an end grow with the logarithm of their number; inserting between two neighbours lengthens the fraction only there. The
idea is Greenspan's ("Implementing fractional indexing", 2020), known from Figma and Notion. Rejected: integers with gaps (they
run out), floats (they run out after 50 insertions), linked lists (a page needs a walk).
"""

from domain.errors import Overloaded

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE = len(DIGITS)
_DIGIT_VALUES = {digit: value for value, digit in enumerate(DIGITS)}
FIRST_RANK = "a0"
MAX_CHARS = 2_000


def between(low: str | None, high: str | None) -> str:
    """
    A rank after `low` and before `high`; None stands for the open end. Raises ValueError unless low < high.

    Raises Overloaded for a rank that no index could hold: things were put at one place faster than ranks there are compacted
    (`domain.rank_compaction`).
    """
    made = _between(low, high)
    if len(made) > MAX_CHARS:
        raise Overloaded("Too much is being put at one place of the list; try again a little later.")
    return made


def _between(low: str | None, high: str | None) -> str:
    if low is not None and high is not None and low >= high:
        raise ValueError(f"no rank between {low!r} and {high!r}")
    if low is None and high is None:
        return FIRST_RANK
    if high is None:
        assert low is not None
        whole, fraction = _split(low)
        following = _step_integer(whole, up=True)
        return following if following is not None else whole + _midpoint(fraction, None)
    if low is None:
        whole, fraction = _split(high)
        if fraction:
            return whole
        preceding = _step_integer(whole, up=False)
        return preceding if preceding is not None else whole + _midpoint("", fraction)
    low_whole, low_fraction = _split(low)
    high_whole, high_fraction = _split(high)
    if low_whole == high_whole:
        return low_whole + _midpoint(low_fraction, high_fraction)
    following = _step_integer(low_whole, up=True)
    if following is not None and following < high:
        return following
    return low_whole + _midpoint(low_fraction, None)


def _split(rank: str) -> tuple[str, str]:
    head = rank[0]
    length = _DIGIT_VALUES[head] - _DIGIT_VALUES["a"] + 2 if head >= "a" else _DIGIT_VALUES["Z"] - _DIGIT_VALUES[head] + 2
    return rank[:length], rank[length:]


def _step_integer(integer: str, *, up: bool) -> str | None:
    """The integer part one higher or lower; None beyond the largest or smallest."""
    head, digits = integer[0], [_DIGIT_VALUES[digit] for digit in integer[1:]]
    step, wrapped = (1, 0) if up else (-1, _BASE - 1)
    for place in reversed(range(len(digits))):
        if 0 <= digits[place] + step < _BASE:
            digits[place] += step
            return head + "".join(DIGITS[value] for value in digits)
        digits[place] = wrapped
    return _next_length(head, len(digits), up=up)


def _next_length(head: str, length: int, *, up: bool) -> str | None:
    """The first integer part with the next head, whose length differs by one digit."""
    if up:
        if head == "z":
            return None
        following = "a" if head == "Z" else DIGITS[_DIGIT_VALUES[head] + 1]
        return following + DIGITS[0] * (1 if head == "Z" else length + 1 if head >= "a" else length - 1)
    if head == "A":
        return None
    preceding = "Z" if head == "a" else DIGITS[_DIGIT_VALUES[head] - 1]
    return preceding + DIGITS[-1] * (1 if head == "a" else length - 1 if head > "a" else length + 1)


def _midpoint(low: str, high: str | None) -> str:
    """A fraction between two; `high` None is one. Never ends in the digit 0, so that there is always room before it."""
    prefix = ""
    while True:
        first_low = _DIGIT_VALUES[low[0]] if low else 0
        first_high = _DIGIT_VALUES[high[0]] if high else _BASE
        if first_low == first_high:
            prefix += DIGITS[first_low]
            low, high = low[1:], high[1:] if high else None
        elif first_high - first_low > 1:
            return prefix + DIGITS[(first_low + first_high) // 2]
        elif high is not None and len(high) > 1:
            return prefix + high[0]
        else:
            prefix += DIGITS[first_low]
            low, high = low[1:], None
