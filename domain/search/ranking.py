"""Ranks what a search found: one score for all kinds of objects, the same for every store that finds candidates.

The score adds up what speaks for a hit: the exact key, a title that is or begins with the query, words in the title rather than
in the text, how close they stand (`proximity`), rare words rather than frequent ones, the kind of object, and how new it is. It
depends on nothing but the hit, the query and one instant, so the pages of one search agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import log
from typing import Any
from uuid import UUID

_KEY_POINTS = 1_000.0
_SAME_TITLE_POINTS = 60.0
_TITLE_START_POINTS = 20.0
_TITLE_POINTS = 30.0
_TEXT_POINTS = 30.0
_PROXIMITY_POINTS = 10.0
_CORRECTED_FACTOR = 0.8  # of a word with typing errors
_KIND_POINTS = {"User": 8.0, "Project": 8.0, "Team": 8.0, "Document": 5.0, "Task": 4.0, "Comment": 0.0}
_RECENCY_POINTS = 8.0
_RECENCY_HALF_DAYS = 45.0
_CLOSED_POINTS = -3.0
_CLOSED_STATUSES = frozenset({"DONE", "CANCELED", "ARCHIVED", "COMPLETED", "INACTIVE"})
_DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """
    An object that was found, visible to the viewer.

    `type_name` and `id` are those of the object to show; `matched` and `in_title` say which of the query's words stand in its
    text and in its title (bit n is the word with number n); `proximity` is between 0 and 1. `source_type` differs from
    `type_name` where it was found by something on it, a file.
    """

    type_name: str
    id: UUID
    source_type: str
    source_id: UUID
    title_key: str = ""
    matched: int = 0
    in_title: int = 0
    proximity: float = 0.0
    is_key: bool = False
    updated_at: datetime
    team_id: UUID | None = None
    project_id: UUID | None = None
    status: str | None = None
    priority: str | None = None
    assignee_id: UUID | None = None
    author_id: UUID | None = None
    label_ids: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """One word, or phrase, of a query, or a correction of one: the place of the word in the query, from 0, and how many typing
    errors the correction undoes."""

    place: int
    errors: int = 0


@dataclass(frozen=True, slots=True)
class RankedHit:
    """A hit with its score."""

    hit: Hit
    score: float
    files: tuple[UUID, ...] = field(default=())
    """Files on the object by whose names it was found."""

    @property
    def key(self) -> tuple[Any, ...]:
        """What it sorts by, best first."""
        return (-self.score, str(self.hit.id))


def rank(hits: Sequence[Hit], words: Sequence[Word], title: str, now: datetime) -> list[RankedHit]:
    """The hits, best first and each object once. `title`: the search key of the whole query."""
    weights = _weights(hits, words)
    best: dict[tuple[str, UUID], RankedHit] = {}
    for hit in hits:
        score = round(_score(hit, words, weights, title, now), 6)
        key = (hit.type_name, hit.id)
        files = (hit.source_id,) if hit.source_type == "Attachment" else ()
        known = best.get(key)
        if known is not None:
            files = tuple(sorted({*known.files, *files}))
            if known.score >= score:
                hit, score = known.hit, known.score
        best[key] = RankedHit(hit, score, files)
    return sorted(best.values(), key=lambda each: each.key)


def _weights(hits: Sequence[Hit], words: Sequence[Word]) -> list[float]:
    """How much each place of the query counts: rare words more, all together 1."""
    places = 1 + max((each.place for each in words), default=0)
    weights = []
    for place in range(places):
        mask = _mask(words, place)
        found = sum(1 for hit in hits if hit.matched & mask)
        weights.append(log(1.0 + len(hits) / (1.0 + found)) + 0.1)
    total = sum(weights) or 1.0
    return [each / total for each in weights]


def _mask(words: Sequence[Word], place: int) -> int:
    return sum(1 << number for number, word in enumerate(words) if word.place == place)


def _score(hit: Hit, words: Sequence[Word], weights: Sequence[float], title: str, now: datetime) -> float:
    score = _KEY_POINTS if hit.is_key else 0.0
    in_text, in_title = [0.0] * len(weights), [0.0] * len(weights)
    for number, word in enumerate(words):
        worth = _CORRECTED_FACTOR**word.errors
        if hit.matched >> number & 1:
            in_text[word.place] = max(in_text[word.place], worth)
        if hit.in_title >> number & 1:
            in_title[word.place] = max(in_title[word.place], worth)
    score += _TEXT_POINTS * sum(map(_times, in_text, weights)) + _TITLE_POINTS * sum(map(_times, in_title, weights))
    if title and hit.title_key:
        if hit.title_key == title:
            score += _SAME_TITLE_POINTS
        elif hit.title_key.startswith(title):
            score += _TITLE_START_POINTS
    score += _PROXIMITY_POINTS * min(max(hit.proximity, 0.0), 1.0)
    score += _KIND_POINTS.get(hit.type_name, 0.0)
    if hit.status in _CLOSED_STATUSES:
        score += _CLOSED_POINTS
    age_days = max(0.0, (now - hit.updated_at).total_seconds() / _DAY_SECONDS)
    return score + _RECENCY_POINTS * float(0.5 ** (age_days / _RECENCY_HALF_DAYS))


def _times(one: float, other: float) -> float:
    return one * other
