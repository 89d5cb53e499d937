"""The bound on an answer's bytes: the same bytes below it, an error that names the largest part above."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.execution.answer_size import MAX_ANSWER_BYTES, largest_path
from gateway.execution.compiled.leaf_serialization import JSON_OPTIONS
from gateway.execution.encoding import encode

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


@given(st.fixed_dictionaries({"data": st.none() | st.dictionaries(st.sampled_from("uvwxyz"), fields)}))
def test_an_answer_within_the_bound_is_encoded_as_ever(payload: dict[str, Any]) -> None:
    before = orjson.dumps(payload, option=JSON_OPTIONS)
    assert encode(payload) == before
    assert orjson.dumps(payload, option=JSON_OPTIONS) == before  # nothing was changed


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
