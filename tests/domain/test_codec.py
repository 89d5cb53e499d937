"""What is written to the log and to memory is read back as it was."""

import dataclasses
import json
import sys
import types
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from domain.attachment import Attachment
from domain.codec import decode, encode
from domain.comment import Comment
from domain.document import Document, DocumentVersion
from domain.events import Event
from domain.invitation import Invitation
from domain.label import Label
from domain.project import Project
from domain.session import Session
from domain.task import Task
from domain.task_link import TaskLink
from domain.team import Membership, Team
from domain.user import User
from tests.support.examples import examples

ENTITIES = [
    Attachment,
    Comment,
    Document,
    DocumentVersion,
    Invitation,
    Label,
    Membership,
    Project,
    Session,
    Task,
    TaskLink,
    Team,
    User,
]


def concrete_events(base: type[Any]) -> list[type[Any]]:
    """All events that are told: those that say what kind of change they are."""
    # Dataclasses with slots are made twice: the first of each pair is in no module.
    made = [each for each in base.__subclasses__() if getattr(sys.modules[each.__module__], each.__name__) is each]
    found = [each for child in made for each in concrete_events(child)]
    return ([base] if "kind" in vars(base) else []) + found


EVENTS = concrete_events(Event)


def values_of(hint: Any) -> SearchStrategy[Any]:
    """Anything that an attribute with this annotation may hold."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return st.one_of([values_of(each) for each in args])
    if origin in (tuple, frozenset, list):
        return st.lists(values_of(args[0]), max_size=3).map(origin)
    if not isinstance(hint, type):
        return st.just({"a": [1, None, "b"]})
    if issubclass(hint, Enum):
        return st.sampled_from(hint)
    if dataclasses.is_dataclass(hint):
        return instances_of(hint)
    plain: dict[type[Any], SearchStrategy[Any]] = {
        type(None): st.none(),
        bool: st.booleans(),
        int: st.integers(-(2**31), 2**31),
        float: st.floats(allow_nan=False, allow_infinity=False),
        str: st.text(max_size=20),
        bytes: st.binary(max_size=20),
        UUID: st.uuids(),
        date: st.dates(),
        datetime: st.datetimes(timezones=st.just(UTC)),
    }
    return plain[hint]


def instances_of(cls: type[Any]) -> SearchStrategy[Any]:
    """Any instance of a dataclass."""
    hints = get_type_hints(cls)
    return st.builds(cls, **{each.name: values_of(hints[each.name]) for each in dataclasses.fields(cls)})


@pytest.mark.slow
@pytest.mark.parametrize("cls", [*ENTITIES, *EVENTS], ids=lambda cls: cls.__name__)
@examples(4, many=100, derandomize=True, database=None)
@given(data=st.data())
def test_everything_comes_back_as_it_was(cls: type[Any], data: st.DataObject) -> None:
    before = data.draw(instances_of(cls))
    assert decode(cls, json.loads(json.dumps(encode(before)))) == before


def test_every_event_is_among_those() -> None:
    assert {
        "TaskCreated",
        "TaskMovedAway",
        "TaskLinked",
        "CommentReacted",
        "DocumentFilesChanged",
        "ProjectAccessLost",
        "TeamJoined",
    } <= {each.__name__ for each in EVENTS}


def test_what_a_newer_process_added_is_passed_over() -> None:
    link = {"id": str(UUID(int=1)), "twin_id": str(UUID(int=2)), "task_id": str(UUID(int=3)), "target_id": str(UUID(int=4))}
    results = link | {"kind": "BLOCKS", "created_at": "2026-11-22T09:30:00+00:00", "colour": "red"}
    assert encode(decode(TaskLink, results)) == {name: held for name, held in results.items() if name != "colour"}


def test_what_has_no_json_form_is_a_bug() -> None:
    with pytest.raises(TypeError, match="no JSON form for object"):
        encode({"x": object()})
