"""Global ids: what they look like, and what is none."""

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import global_id
from domain.errors import BadUserInput
from resolvers import ids
from tests.support.examples import examples

ID = UUID("01a20412-a9cf-7073-815e-2105266a3469")


@examples(25, many=1_000, derandomize=True, database=None)
@given(id_=st.uuids(), name=st.sampled_from(["Task", "Project", "TaskLink"]))
def test_an_id_is_read_as_it_was_written_in_either_alphabet_with_or_without_padding(id_: UUID, name: str) -> None:
    written = ids.encode(name, id_)
    for spelt in (written, written.rstrip("="), written.replace("+", "-").replace("/", "_")):
        assert ids.parse(spelt) == (name, id_)
        assert ids.decode(spelt, name) == id_


@examples(25, many=1_000, derandomize=True, database=None)
@given(id_=st.uuids())
def test_where_the_type_is_known_a_uuid_alone_names_an_object(id_: UUID) -> None:
    for spelt in (str(id_), str(id_).upper()):
        assert ids.decode(spelt, "Task") == id_
        assert ids.parse_of(spelt, ("Task", "Document")) == id_
        assert ids.parse(spelt) is None, "it names no type"
    assert ids.parse_of(ids.encode("Label", id_), ("Task", "Document")) is None


@pytest.mark.parametrize(
    "spelt", [ID.hex, f"{{{ID}}}", f"urn:uuid:{ID}", f" {ID}", str(ID)[:-1], f"{ID}0", "-" * 36, str(ID).replace("-", "0")]
)
def test_a_uuid_is_written_with_dashes(spelt: str) -> None:
    with pytest.raises(BadUserInput):
        ids.decode(spelt, "Task")


@pytest.mark.parametrize(
    ("id_", "made"),
    [
        (UUID(int=0), False),
        (UUID(int=2**128 - 1), False),
        (UUID("00000000-0000-0000-8000-000000000000"), False),
        (UUID("01a20412-a9cf-7073-015e-2105266a3469"), False),
        (ID, True),
        (UUID("9b2d1b4e-5c37-4a3e-8c52-1f5a6b7c8d9e"), True),
    ],
)
def test_ids_that_nobody_can_have_made_are_distinguished_from_others(id_: UUID, made: bool) -> None:
    assert global_id.is_made(id_) is made


def encode_raw(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "value",
    [
        *("", "Task", "====", "é", "\ud800", "A", "x" * 101, encode_raw("Task:" + str(ID)) + "x" * 100),
        *(
            encode_raw(f"Task:{form}")
            for form in (str(ID).upper(), ID.hex, f"{{{ID}}}", f"urn:uuid:{ID}", "", f"{ID} ", f"{ID}:")
        ),
        *(encode_raw(text) for text in (str(ID), f":{ID}", f"Ta sk:{ID}", f"Täsk:{ID}", f"Task1:{ID}")),
    ],
)
def test_anything_else_is_none(value: str) -> None:
    assert ids.parse(value) is None
    with pytest.raises(BadUserInput):
        ids.decode(value, "Task")


def test_an_id_of_another_type_is_refused_with_its_path() -> None:
    with pytest.raises(BadUserInput, match=r"This is not the id of a Task\.") as refused:
        ids.decode(ids.encode("User", ID), "Task", path=("id",))
    assert refused.value.path == ("id",)


def test_a_long_string_is_not_kept_in_memory() -> None:
    before = global_id._parse.cache_info().currsize
    for number in range(10):
        assert ids.parse(f"{number}" * 1_000) is None
    assert global_id._parse.cache_info().currsize == before
