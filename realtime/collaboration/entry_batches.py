"""What waits in a room's listener, neighbours of one stream together: edits of another process come one by one, and leave
merged."""

from collections.abc import Callable, Iterator
from typing import Final

from domain.events import Entry

AT_ONCE: Final = 500


def neighbours(first: Entry, take: Callable[[], Entry | None]) -> Iterator[list[Entry]]:
    """The first entry and all that wait behind it, in order: runs of one stream, of no more than `AT_ONCE`. `take` gives the
    next."""
    run = [first]
    while (entry := take()) is not None:
        if entry.stream != run[0].stream or len(run) == AT_ONCE:
            yield run
            run = []
        run.append(entry)
    yield run
