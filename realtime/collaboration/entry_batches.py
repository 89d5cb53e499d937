"""What waits in a room's listener, neighbours of one stream together: edits of another process come one by one, and leave
merged."""

from collections.abc import Callable, Iterator
from typing import Final

from domain.events import Entry

MAX_BATCH_ENTRIES: Final = 500


def batch_by_stream(first: Entry, get_next: Callable[[], Entry | None]) -> Iterator[list[Entry]]:
    """The first entry and all that wait behind it, in order: runs of one stream, of no more than `AT_ONCE`. `take` gives the
    next."""
    run = [first]
    while (entry := get_next()) is not None:
        if entry.stream != run[0].stream or len(run) == MAX_BATCH_ENTRIES:
            yield run
            run = []
        run.append(entry)
    yield run
