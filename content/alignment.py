"""Aligns two sequences with bounded work; `diff` and `edit` build on it.

Common ends are cut off, then items that occur once on either side anchor the rest (patience diff), so that a large document
with a few changes costs one pass. Between anchors Myers' algorithm item_visits for the shortest script, up to `MAX_EDIT_STEPS`
steps for each gap; a gap that needs more counts as replaced as a whole. All passes and steps together are bounded as well
(`_WorkBudget`), since two texts can be made so that each anchor reveals just the next one, or that every gap takes all its
steps; once the budget is spent, whatever is still between matches counts as replaced. So the cost is linear in the length:
difflib, measured on two unlike texts of 20,000 words, took over a minute.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

MAX_EDIT_STEPS = 200
_MAX_PASSES = 20
_MAX_STEPS = 500_000

Span = tuple[int, int, int, int]


@dataclass(slots=True)
class _Purse:
    """The work that is left: items visited to find anchors, and steps of Myers' algorithm."""

    item_visits: int
    steps: int


def matches(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[tuple[int, int, int]]:
    """Returns the runs that are equal, in order: (start in left, start in right, length)."""
    pairs: list[tuple[int, int]] = []
    budget = _Purse(_MAX_PASSES * (len(left) + len(right)), _MAX_STEPS + 2 * (len(left) + len(right)))
    waiting: list[Span] = [(0, len(left), 0, len(right))]
    while waiting:
        start, end, begin, stop = waiting.pop()
        while start < end and begin < stop and left[start] == right[begin]:
            pairs.append((start, begin))
            start, begin = start + 1, begin + 1
        while start < end and begin < stop and left[end - 1] == right[stop - 1]:
            end, stop = end - 1, stop - 1
            pairs.append((end, stop))
        if start == end or begin == stop:
            continue
        budget.item_visits -= end - start + stop - begin
        anchors = _anchors(left, right, (start, end, begin, stop)) if budget.item_visits >= 0 else []
        if not anchors:
            pairs += _shortest(left, right, (start, end, begin, stop), budget)
            continue
        for here, there in anchors:
            pairs.append((here, there))
            waiting.append((start, here, begin, there))
            start, begin = here + 1, there + 1
        waiting.append((start, end, begin, stop))
    return _runs(sorted(pairs))


def gaps(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[Span]:
    """Returns what lies between the matches: (start, end in left, start, end in right), at least one of them not empty."""
    found: list[Span] = []
    at, to = 0, 0
    for here, there, length in [*matches(left, right), (len(left), len(right), 0)]:
        if here > at or there > to:
            found.append((at, here, to, there))
        at, to = here + length, there + length
    return found


def _anchors(left: Sequence[Hashable], right: Sequence[Hashable], span: Span) -> list[tuple[int, int]]:
    """Returns the longest increasing run of items that occur once on either side."""
    start, end, begin, stop = span
    once_left = {item for item, times in Counter(left[start:end]).items() if times == 1}
    once = {item for item, times in Counter(right[begin:stop]).items() if times == 1} & once_left
    if not once:
        return []
    places = {right[at]: at for at in range(begin, stop) if right[at] in once}
    return _rising([(at, places[left[at]]) for at in range(start, end) if left[at] in once])


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for at, (_, there) in enumerate(pairs):
        length = bisect_left(ends, there)
        if length == len(ends):
            ends.append(there)
            last.append(at)
        else:
            ends[length] = there
            last[length] = at
        before.append(last[length - 1] if length else -1)
    chosen: list[tuple[int, int]] = []
    at = last[-1]
    while at >= 0:
        chosen.append(pairs[at])
        at = before[at]
    return chosen[::-1]


def _shortest(left: Sequence[Hashable], right: Sequence[Hashable], span: Span, budget: _Purse) -> list[tuple[int, int]]:
    """Myers' greedy algorithm; nothing where the script is longer than `MAX_EDIT_STEPS`, or the budget is spent."""
    start, end, begin, stop = span
    height, width = end - start, stop - begin
    reach: dict[int, int] = {1: 0}
    history: list[dict[int, int]] = []
    for steps in range(min(height + width, MAX_EDIT_STEPS) + 1):
        budget.steps -= 2 * steps + 1
        if budget.steps < 0:
            return []
        history.append(dict(reach))
        for diagonal in range(-steps, steps + 1, 2):
            down = diagonal == -steps or (diagonal != steps and reach.get(diagonal - 1, -1) < reach.get(diagonal + 1, -1))
            x = reach.get(diagonal + 1, 0) if down else reach.get(diagonal - 1, 0) + 1
            y = x - diagonal
            before = x
            while x < height and y < width and left[start + x] == right[begin + y]:
                x, y = x + 1, y + 1
            budget.steps -= x - before
            reach[diagonal] = x
            if x >= height and y >= width:
                return _walked_back(history, span, steps)
    return []


def _walked_back(history: list[dict[int, int]], span: Span, steps: int) -> list[tuple[int, int]]:
    start, end, begin, stop = span
    x, y = end - start, stop - begin
    pairs: list[tuple[int, int]] = []
    for step in range(steps, -1, -1):
        reach = history[step]
        diagonal = x - y
        down = diagonal == -step or (diagonal != step and reach.get(diagonal - 1, -1) < reach.get(diagonal + 1, -1))
        from_diagonal = diagonal + 1 if down else diagonal - 1
        from_x = reach.get(from_diagonal, 0) if step else 0
        from_y = from_x - from_diagonal if step else 0
        while x > from_x and y > from_y and x > 0 and y > 0:
            if step and x == (from_x if down else from_x + 1) and y == (from_y + 1 if down else from_y):
                break
            x, y = x - 1, y - 1
            pairs.append((start + x, begin + y))
        x, y = from_x, from_y
    return pairs


def _runs(pairs: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    runs: list[tuple[int, int, int]] = []
    for here, there in pairs:
        if runs and runs[-1][0] + runs[-1][2] == here and runs[-1][1] + runs[-1][2] == there:
            runs[-1] = (runs[-1][0], runs[-1][1], runs[-1][2] + 1)
        else:
            runs.append((here, there, 1))
    return runs
