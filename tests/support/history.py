"""Histories of what clients did and were answered, and a check that finds what a store must never do, in the manner of Elle.

Each value that is written is written once, so that a read tells which writes it saw. A write that was answered happened (`OK`) or
did not (`FAILED`); one whose answer was lost may have (`UNKNOWN`). Instants are counted, not measured: an operation that ended
before another began has a smaller number, whatever the clocks say.

Lists only grow: each read shows the values of those before it, in the same order, and more. Registers have a version that each
write raises by one; the first write makes them, as version 1. Both are checked against real time: what was acknowledged is seen by
whatever begins later.
"""

import bisect
import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What a client knows of its operation."""

    OK = "OK"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


class Kind(StrEnum):
    """What went wrong."""

    LOST = "LOST"
    """A value that was acknowledged, or seen, is not in the last read."""
    DOUBLED = "DOUBLED"
    """A write took effect twice."""
    REORDERED = "REORDERED"
    """Two values come in another order than somebody saw, or than they were written in."""
    STALE = "STALE"
    """A read that began after an acknowledgement, or after another read, does not show what that did."""
    DIRTY = "DIRTY"
    """A read shows a value that nobody wrote, that was refused, or that is not there afterwards though it was never acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """A value added to a list."""

    key: str
    value: str
    began: int
    ended: int | None = None
    outcome: Outcome = Outcome.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The values of a list, as one answer showed them. `is_last`: nothing was written after it began."""

    key: str
    values: tuple[str, ...]
    began: int
    ended: int
    is_last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A value put into a register. `version`: the version that the answer named; `over`: the one that the writer demanded."""

    key: str
    value: str
    began: int
    ended: int | None = None
    outcome: Outcome = Outcome.UNKNOWN
    version: int | None = None
    over: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRegister:
    """The value of a register and its version."""

    key: str
    value: str
    version: int
    began: int
    ended: int
    is_last: bool = False


Operation = Append | Read | Write | ReadRegister


@dataclass(frozen=True, slots=True, order=True)
class Anomaly:
    """One thing that went wrong, and where."""

    kind: Kind
    key: str
    value: str
    detail: str = field(default="", compare=False)


class History:
    """Records operations as they begin and end. `add` takes one that has ended."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._clock = itertools.count(1)

    def tick(self) -> int:
        """The next instant."""
        return next(self._clock)

    def add(self, operation: Operation) -> None:
        self.operations.append(operation)

    def acknowledged(self) -> int:
        """How many writes were answered with success."""
        return self.acknowledged_by_kind().total()

    def acknowledged_by_kind(self) -> Counter[str]:
        """The same, by the first word of the list's key; writes of registers are `registers`."""
        return Counter(
            each.key.partition(" ")[0] if isinstance(each, Append) else "registers"
            for each in self.operations
            if isinstance(each, (Append, Write)) and each.outcome is Outcome.OK
        )


def find_anomalies(operations: Sequence[Operation], *, unordered: Collection[str] = ()) -> list[Anomaly]:
    """
    Everything that went wrong, each value once of a kind.

    Values of lists stand in the order in which they were acknowledged, where one was before the other began; but those of
    `unordered` keys may stand anywhere, as marks in a document.
    """
    lists: dict[str, tuple[list[Append], list[Read]]] = defaultdict(lambda: ([], []))
    registers: dict[str, tuple[list[Write], list[ReadRegister]]] = defaultdict(lambda: ([], []))
    for each in operations:
        match each:
            case Append():
                lists[each.key][0].append(each)
            case Read():
                lists[each.key][1].append(each)
            case Write():
                registers[each.key][0].append(each)
            case ReadRegister():
                registers[each.key][1].append(each)
    found: dict[tuple[Kind, str, str], Anomaly] = {}
    for key, (appends, reads) in lists.items():
        for anomaly in _check_list(key, appends, reads, is_ordered=key not in unordered):
            found.setdefault((anomaly.kind, anomaly.key, anomaly.value), anomaly)
    for key, (writes, register_reads) in registers.items():
        for anomaly in _check_register(key, writes, register_reads):
            found.setdefault((anomaly.kind, anomaly.key, anomaly.value), anomaly)
    return sorted(found.values())


def _check_list(key: str, appends: Sequence[Append], reads: Sequence[Read], *, is_ordered: bool) -> Iterator[Anomaly]:
    written = {each.value: each for each in appends}
    reads = sorted(reads, key=lambda each: each.began)
    last = next((set(each.values) for each in reversed(reads) if each.is_last), None)
    for read in reads:
        yield from _check_values(key, read, written)
    yield from _check_seen(key, appends, reads, last)
    if is_ordered:
        yield from _check_order(key, reads)
        for read in reads:
            yield from _check_real_order(key, [written[each] for each in read.values if each in written])


def _check_values(key: str, read: Read, written: dict[str, Append]) -> Iterator[Anomaly]:
    """What one read may not show."""
    seen: set[str] = set()
    for value in read.values:
        if value in seen:
            yield Anomaly(Kind.DOUBLED, key, value, "twice in one read")
        seen.add(value)
        append = written.get(value)
        if append is None:
            yield Anomaly(Kind.DIRTY, key, value, "nobody wrote it")
        elif append.outcome is Outcome.FAILED:
            yield Anomaly(Kind.DIRTY, key, value, "its write was refused")
        elif append.began > read.ended:
            yield Anomaly(Kind.DIRTY, key, value, "read before it was written")


def _check_seen(key: str, appends: Sequence[Append], reads: Sequence[Read], last: set[str] | None) -> Iterator[Anomaly]:
    """What was acknowledged or seen must be seen by all reads that begin later."""
    certain = [(each.ended, each.value) for each in appends if each.outcome is Outcome.OK and each.ended is not None]
    acknowledged = {value for _, value in certain}
    certain += [(read.ended, value) for read in reads for value in set(read.values)]
    certain.sort()
    known: set[str] = set()
    position = 0
    for read in reads:  # in the order of their beginnings
        while position < len(certain) and certain[position][0] < read.began:
            known.add(certain[position][1])
            position += 1
        for value in known.difference(read.values):
            if last is None or value in last:
                yield Anomaly(Kind.STALE, key, value, "missing from a read that began after it was certain")
    if last is not None:
        for value in {value for _, value in certain} - last:
            is_acknowledged = value in acknowledged
            detail = "acknowledged" if is_acknowledged else "seen, though never acknowledged"
            yield Anomaly(Kind.LOST if is_acknowledged else Kind.DIRTY, key, value, f"{detail}, and gone in the end")


def _check_order(key: str, reads: Sequence[Read]) -> Iterator[Anomaly]:
    """Any two reads show the values that both show in one order."""
    if not reads:
        return
    longest = max(reads, key=lambda each: len(each.values))
    place = {value: number for number, value in enumerate(longest.values)}
    for read in reads:
        shared = [place[each] for each in dict.fromkeys(read.values) if each in place]
        for one, next_ in itertools.pairwise(shared):
            if one > next_:
                yield Anomaly(Kind.REORDERED, key, longest.values[next_], "in another order in another read")


def _check_real_order(key: str, appends: Sequence[Append]) -> Iterator[Anomaly]:
    """No value stands before one that was acknowledged before it was written."""
    earliest_end = float("inf")
    for append in reversed(appends):
        if append.began > earliest_end:
            yield Anomaly(Kind.REORDERED, key, append.value, "before a value that was acknowledged before it was written")
        if append.outcome is Outcome.OK and append.ended is not None:
            earliest_end = min(earliest_end, append.ended)


def _check_register(key: str, writes: Sequence[Write], reads: Sequence[ReadRegister]) -> Iterator[Anomaly]:
    written = {each.value: each for each in writes}
    reads = sorted(reads, key=lambda each: each.began)
    values: dict[int, str] = {}
    for read in reads:
        if (write := written.get(read.value)) is not None:
            if write.outcome is Outcome.FAILED:
                yield Anomaly(Kind.DIRTY, key, read.value, "its write was refused")
            elif write.began > read.ended:
                yield Anomaly(Kind.DIRTY, key, read.value, "read before it was written")
        if values.setdefault(read.version, read.value) != read.value:
            yield Anomaly(Kind.DIRTY, key, read.value, f"version {read.version} is also {values[read.version]}")
    done = [each for each in writes if each.outcome is Outcome.OK and each.version is not None]
    for write in done:
        assert write.version is not None
        if values.setdefault(write.version, write.value) != write.value:
            yield Anomaly(Kind.LOST, key, write.value, f"version {write.version} became {values[write.version]}")
        if write.over is not None and write.version != write.over + 1:
            yield Anomaly(Kind.DOUBLED, key, write.value, f"from version {write.over} to {write.version}")
    versions: dict[str, set[int]] = defaultdict(set)
    for version, value in values.items():
        versions[value].add(version)
    for value, taken in versions.items():
        if len(taken) > 1 and value in written:
            yield Anomaly(Kind.DOUBLED, key, value, f"under the versions {sorted(taken)}")
    yield from _check_register_order(key, done, reads)
    yield from _check_last_version(key, writes, done, reads)


def _check_register_order(key: str, done: Sequence[Write], reads: Sequence[ReadRegister]) -> Iterator[Anomaly]:
    """Versions grow in real time."""
    known_operations: list[Write | ReadRegister] = [*done, *reads]
    ends = sorted((each.ended or 0, each.version or 0) for each in known_operations)
    highest = list(itertools.accumulate((version for _, version in ends), max))
    instants = [ended for ended, _ in ends]
    for each in known_operations:
        before = bisect.bisect_left(instants, each.began)
        known = highest[before - 1] if before else 0
        if isinstance(each, Write) and (each.version or 0) <= known:
            yield Anomaly(Kind.REORDERED, key, each.value, f"version {each.version} after {known} was known")
        if isinstance(each, ReadRegister) and each.version < known:
            yield Anomaly(Kind.STALE, key, each.value, f"version {each.version} after {known} was known")


def _check_last_version(
    key: str, writes: Sequence[Write], done: Sequence[Write], reads: Sequence[ReadRegister]
) -> Iterator[Anomaly]:
    """The last version counts all writes that took effect, each once."""
    last = next((each for each in reversed(reads) if each.is_last), None)
    if last is None:
        return
    newest = max(done, key=lambda each: each.version or 0, default=None)
    if newest is not None and last.version < (newest.version or 0):
        yield Anomaly(Kind.LOST, key, newest.value, f"version {newest.version} is gone: the last is {last.version}")
    elif last.version < len(done):
        yield Anomaly(Kind.LOST, key, last.value, f"version {last.version} after {len(done)} acknowledged writes")
    possible = sum(each.outcome is not Outcome.FAILED for each in writes)
    if last.version > possible:
        yield Anomaly(Kind.DOUBLED, key, last.value, f"version {last.version} after {possible} writes")
