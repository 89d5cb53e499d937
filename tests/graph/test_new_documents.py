"""Documents that the server has not seen are read one in a turn of the event loop, and their senders take turns."""

import asyncio
import re
from pathlib import Path

import pytest

from app.bootstrap import LIMITS
from gateway.execution.executor import Executor, OperationRequest, OperationResult, PreparedOperation
from schema.root import bindings, schema


def document(name: str) -> OperationRequest:
    return OperationRequest(f"query {name} {{ viewer {{ id displayName }} }}")


async def test_others_have_their_turn_after_each_new_document() -> None:
    executor = Executor(schema, bindings=bindings)
    happened: list[str] = []

    async def prepare(name: str) -> None:
        prepared = await executor.prepare_in_turn(document(name), owner=name)
        assert isinstance(prepared, PreparedOperation)
        happened.append("document")

    async def others() -> None:
        while happened.count("document") < 20:
            happened.append("turn")
            await asyncio.sleep(0)

    await asyncio.gather(others(), *(prepare(f"D{number}") for number in range(20)))
    assert "document document" not in " ".join(happened)


async def test_who_sends_one_new_document_waits_for_one_of_those_who_send_many() -> None:
    executor = Executor(schema, bindings=bindings)
    done: list[str] = []

    async def prepare(owner: str, number: int) -> None:
        await executor.prepare_in_turn(document(f"{owner}{number}"), owner=owner)
        done.append(owner)

    await asyncio.gather(*(prepare("many", number) for number in range(50)), prepare("one", 0))
    assert done.index("one") <= 2
    assert len(done) == 51


async def test_more_documents_than_may_wait_are_refused_with_a_code() -> None:
    executor = Executor(schema, bindings=bindings, timeout_seconds=300.0)
    results = await asyncio.gather(
        *(executor.prepare_in_turn(document(f"D{number}"), owner="many") for number in range(300)),
        executor.prepare_in_turn(document("Other"), owner="other"),
    )
    refused = [each for each in results if isinstance(each, OperationResult)]
    assert {each.errors[0]["extensions"]["code"] for each in refused} == {"OVERLOADED"}
    assert 0 < len(refused) < 50
    assert isinstance(results[-1], PreparedOperation)


async def test_a_known_document_waits_for_nobody() -> None:
    executor = Executor(schema, bindings=bindings)
    assert executor.prepare_known(document("Known")) is None
    await executor.prepare_in_turn(document("Known"), owner=1)
    assert isinstance(executor.prepare_known(document("Known")), PreparedOperation)


def long_document(name: str) -> OperationRequest:
    fields = " ".join(f"{name}{number}: tasks(first: 2) {{ nodes {{ id title assignee {{ id }} }} }}" for number in range(20))
    return OperationRequest(f"query {name} {{ {fields} }}")


async def test_the_loop_goes_on_while_a_long_document_is_read() -> None:
    executor = Executor(schema, bindings=bindings, limits=LIMITS)
    await executor.prepare_in_turn(long_document("First"), owner=1)  # what every first document makes, once for a process
    turns = 0
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(executor.prepare_in_turn(long_document("Second"), owner=1))
        while not reading.done():
            await asyncio.sleep(0)
            turns += 1
    prepared = reading.result()
    assert isinstance(prepared, PreparedOperation)
    assert len(prepared.operation.programs) == 1  # compiled there too
    assert executor.prepare_known(long_document("Second")) is not None
    assert turns > 20


async def test_a_request_that_is_cancelled_leaves_its_turn_when_its_document_is_read() -> None:
    executor = Executor(schema, bindings=bindings, limits=LIMITS)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(executor.prepare_in_turn(long_document("First"), owner=1))
        second = tasks.create_task(executor.prepare_in_turn(long_document("Second"), owner=2))
        await asyncio.sleep(0.001)
        first.cancel()
    assert isinstance(second.result(), PreparedOperation)
    assert first.cancelled()


@pytest.mark.parametrize(
    "text", ["{ viewer { " + "unknown " * 100 + "} }", "{ " * 60 + "x" * 500, "{ viewer { id } } " + "# " * 300]
)
async def test_a_long_document_gets_the_answer_that_it_gets_without_turns(text: str) -> None:
    in_turn = await Executor(schema, bindings=bindings, limits=LIMITS).prepare_in_turn(OperationRequest(text), owner=1)
    at_once = Executor(schema, bindings=bindings, limits=LIMITS).prepare(OperationRequest(text))
    if isinstance(at_once, OperationResult):
        assert in_turn == at_once
    else:
        assert isinstance(in_turn, PreparedOperation)
        assert in_turn.cost == at_once.cost


def test_no_request_is_prepared_past_the_turns() -> None:
    root = Path(__file__).parents[2]
    found = {
        str(path.relative_to(root)): len(re.findall(r"\.prepare\(", path.read_text()))
        for folder in ("gateway", "app", "realtime", "resolvers")
        for path in (root / folder).rglob("*.py")
    }
    assert {path: count for path, count in found.items() if count} == {
        "gateway/share_pages/__init__.py": 1,  # the two of its own, which are known after the first visits
        "gateway/webhook_payloads.py": 1,  # of webhooks: in workers, and once for a mutation that sets one
        "gateway/websocket/operations.py": 1,  # of short ones in messages, which have turns of their own (`transport.fair_turns`)
    }
