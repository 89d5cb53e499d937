"""Loaders: parents that ask together share a call, and nobody gets another's child."""

import asyncio
import gc
from collections.abc import Sequence
from typing import Any

import pytest

from persistence.engine.loaders import BatchLoader


class Parent:
    """Something with a name; each is told apart by what it is, not by what it says."""

    def __init__(self, name: str) -> None:
        self.name = name


class RecordingBatch:
    """A batch function that remembers how it was called and can be held up."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, parents: Sequence[Any]) -> Sequence[Any]:
        self.batches.append([parent.name for parent in parents])
        await self.gate.wait()
        if any(parent.name == "bad" for parent in parents):
            raise LookupError("bad")
        return [f"child of {parent.name}" for parent in parents]


async def test_those_who_ask_together_share_a_call_and_the_same_one_asks_once() -> None:
    calls = RecordingBatch()
    loader = BatchLoader(calls)
    one, same = Parent("one"), Parent("one")
    found = await asyncio.gather(*(loader.load(each) for each in (one, same, one)))
    assert found == ["child of one"] * 3
    assert calls.batches == [["one", "one"]]
    assert await loader.load(one) == "child of one"
    assert len(calls.batches) == 1


async def test_a_new_object_in_the_place_of_one_that_is_gone_is_a_new_parent() -> None:
    loader = BatchLoader(RecordingBatch())
    for number in range(200):
        assert await loader.load(Parent(str(number))) == f"child of {number}"
        gc.collect(0)


async def test_who_is_cancelled_takes_nobody_along() -> None:
    calls = RecordingBatch()
    calls.gate.clear()
    loader, parent = BatchLoader(calls), Parent("one")

    async def ask() -> Any:
        return await loader.load(parent)

    async with asyncio.TaskGroup() as group:
        first, second = group.create_task(ask()), group.create_task(ask())
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.sleep(0)
        calls.gate.set()
    assert first.cancelled()
    assert second.result() == "child of one"
    assert await loader.load(parent) == "child of one"
    assert calls.batches == [["one"]]


async def test_when_all_who_waited_are_cancelled_the_next_one_is_answered() -> None:
    calls = RecordingBatch()
    calls.gate.clear()
    loader, parent = BatchLoader(calls), Parent("one")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(loader.load(parent), 0.01)
    calls.gate.set()
    assert await loader.load(parent) == "child of one"


async def test_a_failure_is_reported_to_everybody_and_to_nobody_who_left() -> None:
    calls = RecordingBatch()
    loader = BatchLoader(calls)
    found = await asyncio.gather(*(loader.load(Parent(name)) for name in ("good", "bad")), return_exceptions=True)
    assert [type(each) for each in found] == [LookupError, LookupError]
    calls.gate.clear()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(loader.load(Parent("bad")), 0.01)
    calls.gate.set()
    await asyncio.sleep(0.01)
