"""The bound on an answer's bytes: the same bytes below it, an error that names the largest part above."""

import asyncio
import base64
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.execution.answer_size import MAX_ANSWER_BYTES, largest_path
from gateway.execution.compiled.leaf_serialization import JSON_OPTIONS, dump_data
from gateway.execution.encoding import encode, encode_in_turns
from resolvers import long_values
from resolvers.long_values import LongBytes, LongText

leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=5)
rows = st.builds(
    lambda few, times: few * times,
    st.lists(st.dictionaries(st.sampled_from("abc"), leaves, max_size=3) | st.none(), max_size=4),
    st.integers(0, 20),
)
fields = (
    leaves
    | rows
    | st.fixed_dictionaries({"nodes": rows, "totalCount": st.integers(0, 9)})
    | st.fixed_dictionaries({"edges": rows})
)


payloads = st.fixed_dictionaries({"data": st.none() | st.dictionaries(st.sampled_from("uvwxyz"), fields)})


@settings(deadline=None)
@given(payloads)
def test_an_answer_within_the_bound_is_encoded_as_ever(payload: dict[str, Any]) -> None:
    before = orjson.dumps(payload, option=JSON_OPTIONS)
    assert encode(payload) == before
    assert asyncio.run(encode_in_turns(payload)) == before
    assert orjson.dumps(payload, option=JSON_OPTIONS) == before  # nothing was changed


@settings(deadline=None)
@given(payloads, st.text(st.characters(codec="utf-8")), st.binary(), st.integers(1, 9))
def test_long_values_are_encoded_as_what_they_hold(payload: dict[str, Any], text: str, data: bytes, slice_size: int) -> None:
    def answer(text_value: Any, base64_value: Any) -> dict[str, Any]:
        inner = {"text": text_value, "rows": [{"crdt": base64_value}] * 2, "nodes": [text_value] * 20}
        return {"data": {**(payload["data"] or {}), "long": inner}}

    plain = orjson.dumps(answer(text, base64.b64encode(data).decode()), option=JSON_OPTIONS)
    held = answer(LongText(text), LongBytes(data))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(long_values, "_SLICE_SIZE", 3 * slice_size)
        assert encode(held) == plain
        assert asyncio.run(encode_in_turns(held)) == plain
        assert dump_data(held) == plain


_TURN_BYTES = 1024 * 1024


@pytest.mark.parametrize(
    "value",
    [
        {"content": {"text": LongText("\n" * (3 * _TURN_BYTES))}},
        {"content": {"crdt": LongBytes(bytes(5 * _TURN_BYTES))}},
        {"nodes": [{"text": "x" * (_TURN_BYTES // 8)}] * 50},
        {"nodes": [{"text": LongText("x" * _TURN_BYTES)}] * 6},
    ],
    ids=["text", "base64", "many rows", "long rows"],
)
async def test_while_a_large_answer_is_encoded_others_have_their_turns(value: Any) -> None:
    payload, turns, encoded = {"data": {"document": value}}, 0, b""

    async def encode_it() -> None:
        nonlocal encoded
        encoded = await encode_in_turns(payload)

    async with asyncio.TaskGroup() as group:
        encoding = group.create_task(encode_it())
        while not encoding.done():
            turns += 1
            await asyncio.sleep(0)
    assert encoded == encode(payload)
    assert turns >= len(encoded) / (2 * _TURN_BYTES)


async def test_what_is_longer_than_an_answer_is_not_encoded_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(LongBytes, "json_slices")
    monkeypatch.delattr(LongText, "json_slices")
    half = MAX_ANSWER_BYTES // 2 + 1
    for document, path in (
        ({"content": {"crdt": LongBytes(bytes(MAX_ANSWER_BYTES))}}, ["document", "content", "crdt"]),
        ({"versions": {"nodes": [{"text": LongText("x" * half)}, {"text": LongText("x" * half)}]}, "id": "1"}, None),
    ):
        answer = orjson.loads(await encode_in_turns({"data": {"document": document}}))
        (error,) = answer["errors"]
        assert (answer["data"], error["extensions"]["code"]) == (None, "ANSWER_TOO_LARGE")
        assert error["extensions"]["path"] == (path or ["document", "versions", "nodes", "text"])


BIG = "x" * (MAX_ANSWER_BYTES // 40)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"nodes": [{"id": "1", "a": {"text": BIG}, "b": {"text": "y"}}] * 50}, ["nodes", "a", "text"]),
        ({"documents": {"nodes": [None] * 40 + [{"content": {"text": BIG}}] * 41}}, ["documents", "nodes", "content", "text"]),
        ({"tasks": {"edges": [{"node": {"title": BIG}}] * 45}}, ["tasks", "edges", "node", "title"]),
        ({"viewer": {"small": "s", "large": BIG * 41}}, ["viewer", "large"]),
        ({f"a{n}": {"text": BIG} for n in range(41)}, ["a0", "text"]),
        ({"deep": {"lists": [[[{"leaf": BIG}] * 7] * 7]}}, ["deep", "lists", "leaf"]),
        ({"ids": ["é" * 1000] * 5000}, ["ids"]),
    ],
)
def test_an_answer_above_the_bound_is_an_error_that_names_the_largest_path(data: dict[str, Any], path: list[str]) -> None:
    answer = orjson.loads(encode({"data": data}))
    assert answer["data"] is None
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "ANSWER_TOO_LARGE", "limit": MAX_ANSWER_BYTES, "path": path}


def test_the_search_for_the_largest_path_ends_soon_whatever_the_answer() -> None:
    assert largest_path({"rows": [{"n": 1}] * 1_000_000}) in (["rows", "n"], [])
