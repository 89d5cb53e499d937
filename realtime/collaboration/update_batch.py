"""Encodes the edits of a tick once, so that the same bytes are sent to everybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from typing import Final
from uuid import UUID

from domain.document.update import LoggedUpdate
from realtime.collaboration import messages
from realtime.collaboration.document_state import MAX_MERGED_UPDATES, merge_updates

MAX_AUTHOR_RUNS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorRun:
    """Consecutive edits of one session; `position` is the last one's."""

    position: int
    data: bytes
    author_id: UUID | None
    session_id: str | None


class UpdateBatch:
    """Edits with consecutive positions, in order."""

    def __init__(self, updates: Sequence[LoggedUpdate]) -> None:
        self.updates = updates
        self._frames: dict[bytes, list[bytes]] = {}

    @property
    def last_position(self) -> int:
        """The position of the last edit."""
        return self.updates[-1].position

    @cached_property
    def approximate_bytes(self) -> int:
        """The bytes of all edits together."""
        return sum(len(each.data) for each in self.updates)

    @cached_property
    def _merged(self) -> list[bytes]:
        return merge_updates([each.data for each in self.updates])

    def frames(self, prefix: bytes) -> list[bytes]:
        """The edits as websocket messages, behind a prefix."""
        found = self._frames.get(prefix)
        if found is None:
            found = self._frames[prefix] = [
                messages.sync_message(messages.SyncStep.UPDATE, each, prefix=prefix) for each in self._merged
            ]
        return found

    @cached_property
    def runs_by_author(self) -> list[AuthorRun]:
        """The edits as the graph shows them: each run of one session together; in a crowd all together, and without an author."""
        found: list[AuthorRun] = []
        sessions = [(each.author_id, each.session_id) for each in self.updates]
        if sum(one != other for one, other in pairwise(sessions)) >= MAX_AUTHOR_RUNS:
            return _author_runs(self.updates, self.updates[0].position - 1, None, None)
        for (author_id, session_id), several in groupby(self.updates, key=lambda each: (each.author_id, each.session_id)):
            run = list(several)
            found += _author_runs(run, run[0].position - 1, author_id, session_id)
        return found


def _author_runs(
    updates: Sequence[LoggedUpdate], position: int, author_id: UUID | None, session_id: str | None
) -> list[AuthorRun]:
    found = []
    for data, count in _merge_with_counts(updates):
        position += count
        found.append(AuthorRun(position=position, data=data, author_id=author_id, session_id=session_id))
    return found


def _merge_with_counts(run: Sequence[LoggedUpdate]) -> list[tuple[bytes, int]]:
    """The data of a run in few updates, each with the number of edits in it."""
    some = [run[start : start + MAX_MERGED_UPDATES] for start in range(0, len(run), MAX_MERGED_UPDATES)]
    found = []
    for each in some:
        chunks = merge_updates([update.data for update in each])
        found += [(data, 0) for data in chunks[:-1]] + [(chunks[-1], len(each))]
    return found
