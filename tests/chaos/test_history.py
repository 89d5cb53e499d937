"""The checker of histories finds what a store did wrong, and nothing in what a right one did."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.history import (
    Anomaly,
    Append,
    History,
    Kind,
    Operation,
    Outcome,
    Read,
    ReadRegister,
    Write,
    find_anomalies,
)

KEY: Final = "list"


@dataclass
class Store:
    """A store of one list and one register, which does everything at once and for good; its subclasses have a bug each."""

    dice: random.Random
    values: list[str] = field(default_factory=list)
    register: tuple[str, int] = ("", 0)

    def append(self, value: str) -> None:
        self.values.append(value)

    def read(self) -> list[str]:
        return list(self.values)

    def refuse(self, value: str) -> None:
        """Refuse to append a value."""

    def crash(self) -> None:
        """End and begin again."""

    def write(self, value: str) -> int:
        self.register = (value, self.register[1] + 1)
        return self.register[1]

    def read_register(self) -> tuple[str, int]:
        return self.register


class AcknowledgesTooEarly(Store):
    def crash(self) -> None:
        if len(self.values) > 2:
            del self.values[-2:]


class RunsRetriesAgain(Store):
    def append(self, value: str) -> None:
        self.values += [value] * (2 if self.dice.random() < 0.1 else 1)


class LosesTheOrder(Store):
    def append(self, value: str) -> None:
        self.values.insert(max(0, len(self.values) - self.dice.randrange(3)), value)


class ReadsFromAReplica(Store):
    def read(self) -> list[str]:
        return self.values[: max(0, len(self.values) - self.dice.randrange(3))]


class WritesWhatItRefuses(Store):
    def refuse(self, value: str) -> None:
        self.values.append(value)


class OverwritesOthers(Store):
    def write(self, value: str) -> int:
        version = self.register[1] + (self.dice.random() < 0.8)
        self.register = (value, version)
        return version


class CountsTwice(Store):
    def write(self, value: str) -> int:
        self.register = (value, self.register[1] + self.dice.choice((1, 1, 2)))
        return self.register[1]


class ForgetsVersions(Store):
    def crash(self) -> None:
        self.register = (self.register[0], max(1, self.register[1] - 1))


class ReadsAnOldVersion(Store):
    former: tuple[str, int] = ("", 0)

    def write(self, value: str) -> int:
        self.former = self.register if self.register[1] else ("first", 1)
        return super().write(value)

    def read_register(self) -> tuple[str, int]:
        return self.former if self.former[1] and self.dice.random() < 0.3 else self.register


def run(store: Store, dice: random.Random, *, steps: int = 120) -> list[Operation]:
    """What clients of a store did, many at a time: each operation takes effect somewhere between its beginning and its end."""
    history = History()
    under_way: list[Callable[[], None]] = []

    def append(number: int) -> Callable[[], None]:
        value, began, outcome = f"v{number}", history.tick(), dice.choice((Outcome.OK,) * 8 + (Outcome.FAILED, Outcome.UNKNOWN))
        if outcome is Outcome.FAILED:
            store.refuse(value)
        elif outcome is Outcome.OK or dice.random() < 0.5:
            store.append(value)
        return lambda: history.add(Append(key=KEY, value=value, began=began, ended=history.tick(), outcome=outcome))

    def read() -> Callable[[], None]:
        began, values = history.tick(), tuple(store.read())
        return lambda: history.add(Read(key=KEY, values=values, began=began, ended=history.tick()))

    def write(number: int) -> Callable[[], None]:
        value, began, version = f"v{number}", history.tick(), store.write(f"v{number}")
        is_known = number == 0 or dice.random() < 0.9
        outcome = Outcome.OK if is_known else Outcome.UNKNOWN
        answered = version if is_known else None
        return lambda: history.add(
            Write(key="register", value=value, began=began, ended=history.tick(), outcome=outcome, version=answered)
        )

    def read_register() -> Callable[[], None]:
        began, (value, version) = history.tick(), store.read_register()
        return lambda: history.add(ReadRegister(key="register", value=value, version=version, began=began, ended=history.tick()))

    write(0)()
    for number in range(1, steps):
        under_way.append(dice.choice((lambda n=number: append(n), read, lambda n=number: write(n), read_register))())
        if dice.random() < 0.05:
            store.crash()
        while len(under_way) > 4 or (under_way and dice.random() < 0.4):
            under_way.pop(dice.randrange(len(under_way)))()
    for end in under_way:
        end()
    history.add(Read(key=KEY, values=tuple(store.read()), began=history.tick(), ended=history.tick(), is_last=True))
    value, version = store.read_register()
    history.add(
        ReadRegister(key="register", value=value, version=version, began=history.tick(), ended=history.tick(), is_last=True)
    )
    return history.operations


@given(st.integers(0, 2**32))
@settings(max_examples=50)
def test_a_store_that_does_right_has_no_anomalies(seed: int) -> None:
    dice = random.Random(seed)
    assert find_anomalies(run(Store(dice), dice)) == []


@pytest.mark.parametrize(
    ("bug", "kinds"),
    [
        (AcknowledgesTooEarly, {Kind.LOST}),
        (RunsRetriesAgain, {Kind.DOUBLED}),
        (LosesTheOrder, {Kind.REORDERED}),
        (ReadsFromAReplica, {Kind.STALE}),
        (WritesWhatItRefuses, {Kind.DIRTY}),
        (OverwritesOthers, {Kind.LOST}),
        (CountsTwice, {Kind.DOUBLED}),
        (ForgetsVersions, {Kind.STALE}),
        (ReadsAnOldVersion, {Kind.STALE}),
    ],
)
def test_the_bug_of_a_store_is_found_and_named(bug: type[Store], kinds: set[Kind]) -> None:
    for seed in range(3):
        dice = random.Random(seed)
        found = {each.kind for each in find_anomalies(run(bug(dice), dice, steps=400))}
        assert kinds <= found, seed


def _reads(operations: Sequence[Operation]) -> list[Read]:
    return [each for each in operations if isinstance(each, Read)]


def _changed(operations: Sequence[Operation], one: Operation, other: Operation) -> list[Anomaly]:
    return find_anomalies([other if each is one else each for each in operations])


@given(st.integers(0, 2**32))
@settings(max_examples=30)
def test_one_value_that_is_changed_in_a_history_is_found(seed: int) -> None:
    dice = random.Random(seed)
    operations = run(Store(dice), dice)
    appends = {each.value: each for each in operations if isinstance(each, Append)}
    last = _reads(operations)[-1]
    if len(last.values) < 3:
        return
    value = dice.choice(last.values)
    place = last.values.index(value)
    gone = replace(last, values=last.values[:place] + last.values[place + 1 :])
    seen = any(value in each.values for each in _reads(operations)[:-1])
    if appends[value].outcome is Outcome.OK:
        assert Anomaly(Kind.LOST, KEY, value) in _changed(operations, last, gone)
    elif seen:
        assert Anomaly(Kind.DIRTY, KEY, value) in _changed(operations, last, gone)
    twice = replace(last, values=(*last.values, value))
    assert Anomaly(Kind.DOUBLED, KEY, value) in _changed(operations, last, twice)
    invented = replace(last, values=(*last.values, "invented"))
    assert Anomaly(Kind.DIRTY, KEY, "invented") in _changed(operations, last, invented)
    refused = replace(appends[value], outcome=Outcome.FAILED)
    assert Anomaly(Kind.DIRTY, KEY, value) in _changed(operations, appends[value], refused)
    certain = [each for each in _reads(operations)[:-1] if each.began > (appends[value].ended or 0) and value in each.values]
    if certain and appends[value].outcome is Outcome.OK:
        stale = replace(certain[0], values=tuple(each for each in certain[0].values if each != value))
        assert Anomaly(Kind.STALE, KEY, value) in _changed(operations, certain[0], stale)
    others = [each for each in _reads(operations)[:-1] if len(each.values) > 1]
    if others:
        turned = replace(others[-1], values=(*others[-1].values[:-2], *reversed(others[-1].values[-2:])))
        assert Kind.REORDERED in {each.kind for each in _changed(operations, others[-1], turned)}


def test_many_short_lists_are_checked_in_a_time_that_grows_with_their_number() -> None:
    operations: list[Operation] = []
    history = History()
    for key in range(100):
        values: tuple[str, ...] = ()
        for number in range(80):
            began = history.tick()
            values = (*values, f"{key} {number}")
            operations.append(Append(key=str(key), value=values[-1], began=began, ended=history.tick(), outcome=Outcome.OK))
            if number % 10 == 9:
                operations.append(
                    Read(key=str(key), values=values, began=history.tick(), ended=history.tick(), is_last=number == 79)
                )
    assert find_anomalies(operations) == []
    last = _reads(operations)[-1]
    lost = replace(last, values=last.values[:-1])
    assert find_anomalies([*operations[:-1], lost]) == [Anomaly(Kind.LOST, "99", "99 79")]
