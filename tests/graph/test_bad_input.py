"""Whatever is sent for whatever argument: a coded answer, never a fault, and nothing half-written."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gateway.http.request import BadRequest, from_body
from resolvers import ids
from schema.error_code import ErrorCode
from tests.app import App
from tests.graph.hostile import BROKEN, STRINGS, TYPES, arguments, mostly, shaped
from tests.people import People, settle
from tests.work import comment, do, everything, label, operation, task

CODES = {each.value for each in ErrorCode} - {"INTERNAL"}


@dataclass
class Target:
    """What is there to be hit. `ids` are by type, in the words that the strategies use until there is a target."""

    team: People
    ids: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
async def target(app: App) -> Target:
    """A team with one of everything."""
    team = await settle(app)
    one = await task(app, team)
    said = await comment(app, team.member, one)
    named = {"Team": team.team_id, "Project": team.project_id, "Task": one["id"], "Comment": said["id"], "User": team.mate.id}
    named |= {"Label": await label(app, team.member, team.team_id, "label"), "Session": ids.encode("Session", uuid4())}
    return Target(team, named)


def aimed(target: Target, value: Any) -> Any:
    """A drawn value with the target's ids in it."""
    match value:
        case str() if value[1:] in target.ids and value[0] == "@":
            return target.ids[value[1:]]
        case list():
            return [aimed(target, each) for each in value]
        case dict():
            return {name: aimed(target, each) for name, each in value.items()}
        case _:
            return value


async def send(app: App, target: Target, query: str, variables: dict[str, Any]) -> Any:
    """The answer to a body as it comes over the wire; None where it is no request at all."""
    try:
        request = from_body(json.dumps({"query": query, "variables": variables}).encode())
    except BadRequest:
        return None
    answer = (await app.executor.execute(request, app.context(target.team.member))).to_payload()
    for error in answer.get("errors", ()):
        assert error["extensions"]["code"] in CODES, error
        assert "Traceback" not in error["message"]
    return answer


@pytest.fixture
def no_fault(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing was logged as unexpected."""
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


# What would take the target away, or cost a password's hash each time.
SPARED = {"userDelete", "teamDelete", "projectDelete", "taskDelete", "labelDelete", "commentDelete"}
MUTATIONS = sorted(TYPES.mutation_type.fields)  # type: ignore[union-attr]
QUERIES = TYPES.query_type.fields  # type: ignore[union-attr]
same_every_time = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=300,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _input(name: str) -> SearchStrategy[tuple[str, Any]]:
    declared = TYPES.mutation_type.fields[name].args["input"].type  # type: ignore[union-attr]
    given = shaped(declared)
    if name in SPARED:
        given = given.map(lambda held: held | {"id": "nobody's"})
    return mostly(given).map(lambda held: (name, held))


@pytest.mark.slow
@same_every_time
@given(drawn=st.sampled_from(MUTATIONS).flatmap(_input))
@pytest.mark.usefixtures("no_fault")
async def test_a_mutation_takes_anything_and_writes_all_or_nothing(app: App, target: Target, drawn: tuple[str, Any]) -> None:
    name, given_ = drawn
    before = await everything(app)
    answer = await send(app, target, operation(name, ""), {"input": aimed(target, given_)})
    payload = answer and answer.get("data") and answer["data"][name]
    if payload is None or payload["errors"]:
        assert await everything(app) == before
        for error in payload["errors"] if payload else ():
            assert error["code"] in CODES
            assert error["path"] is None or error["path"][0] == "input"


def _asked(name: str) -> SearchStrategy[tuple[str, dict[str, Any]]]:
    return arguments(QUERIES[name].args).map(lambda held: (name, held))


@pytest.mark.slow
@settings(same_every_time, max_examples=150)
@given(drawn=st.sampled_from(sorted(name for name in QUERIES if QUERIES[name].args)).flatmap(_asked))
@pytest.mark.usefixtures("no_fault")
async def test_a_query_takes_anything(app: App, target: Target, drawn: tuple[str, dict[str, Any]]) -> None:
    name, given_ = drawn
    args = QUERIES[name].args
    declared = " ".join(f"${each}: {str(args[each].type).rstrip('!')}" for each in given_)
    passed = " ".join(f"{each}: ${each}" for each in given_)
    wanted = "totalCount nodes { __typename }" if str(QUERIES[name].type).rstrip("!").endswith("Connection") else "__typename"
    wanted = "nodes { __typename }" if name == "changes" else wanted
    text = f"query {f'({declared})' if declared else ''} {{ {name}{f'({passed})' if passed else ''} {{ {wanted} }} }}"
    await send(app, target, text, aimed(target, given_))


NESTED = {
    "Task": ["comments", "activity", "watchers", "labels", "subtasks", "links"],
    "Project": ["tasks", "members", "activity"],
    "Team": ["members", "projects", "labels", "invitations"],
    "User": ["assignedTasks", "teams", "avatarUrl"],
}


def _nested(place: tuple[str, str]) -> SearchStrategy[tuple[str, str, dict[str, Any]]]:
    fields: Any = TYPES.type_map[place[0]]
    return arguments(fields.fields[place[1]].args).map(lambda held: (*place, held))


@pytest.mark.slow
@settings(same_every_time, max_examples=100)
@given(drawn=st.sampled_from([(one, each) for one in NESTED for each in NESTED[one]]).flatmap(_nested))
@pytest.mark.usefixtures("no_fault")
async def test_a_relation_takes_anything(app: App, target: Target, drawn: tuple[str, str, dict[str, Any]]) -> None:
    type_name, name, given_ = drawn
    fields: Any = TYPES.type_map[type_name]
    args = fields.fields[name].args
    declared = " ".join(f"${each}: {str(args[each].type).rstrip('!')}" for each in given_)
    passed = f"({' '.join(f'{each}: ${each}' for each in given_)})" if given_ else ""
    wanted = "" if name == "avatarUrl" else "{ nodes { __typename } totalCount }"
    text = f"query ($node: ID! {declared}) {{ node(id: $node) {{ ... on {type_name} {{ {name}{passed} {wanted} }} }} }}"
    await send(app, target, text, {"node": target.ids[type_name]} | aimed(target, given_))


LITERALS = [
    *(json.dumps(each) for each in STRINGS + BROKEN if len(each) < 1000),
    *(
        '"\\u0000"',
        '"\\ud800"',
        '"\\u{110000}"',
        '"\\u{0}"',
        '"""\\u0000 \x00"""',
        "1e400",
        "-0.0",
        "9" * 500,
        "ENUM",
        "$unknown",
    ),
    *("[[[]]]", "{}", "{a: {b: 1}}", "null", "true"),
]


@pytest.mark.usefixtures("no_fault")
async def test_literals_in_the_document_are_taken_no_better(app: App, target: Target) -> None:
    before, comment_id = await everything(app), json.dumps(target.ids["Comment"])
    for literal in LITERALS:
        for text in (
            f"{{ taskByKey(key: {literal}) {{ id }} }}",
            f"{{ task(id: {literal}) {{ id }} }}",
            f"{{ tasks(after: {literal}) {{ totalCount nodes {{ id }} }} }}",
            f"{{ tasks(filter: {{title: {{contains: {literal}}}}}) {{ totalCount nodes {{ id }} }} }}",
            f"{{ tasks(filter: {{title: {{in: [{literal}]}}}}) {{ totalCount nodes {{ id }} }} }}",
            f"{{ users(query: {literal}, first: {literal}) {{ totalCount }} }}",
            f"mutation {{ taskUpdate(input: {{id: {literal}, title: {literal}, estimate: {literal}}}) {{ errors {{ code }} }} }}",
            f"mutation {{ commentReact(input: {{id: {comment_id}, emoji: {literal}, on: false}}) {{ errors {{ code }} }} }}",
        ):
            await send(app, target, text, {})
    assert await everything(app) == before


@pytest.mark.usefixtures("no_fault")
async def test_a_nul_is_refused_in_the_document_in_the_body_and_at_last_by_the_database(app: App, target: Target) -> None:
    query = "query ($key: String!) { taskByKey(key: $key) { id } }"
    for answer in (
        await send(app, target, '{ taskByKey(key: "a\\u0000") { id } }', {}),
        await app.answer(target.team.member, query, key="a\0"),
    ):
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
    assert await send(app, target, query, {"key": "a\0"}) is None


@pytest.mark.usefixtures("no_fault")
async def test_estimates_of_any_size_are_numbers_or_refused(app: App, team: People) -> None:
    one = await task(app, team)
    for number in (10**400, 2**64, 1e308, -1, float("nan")):
        text = operation("taskUpdate", "task { estimate }")
        answer = await send(app, Target(team), text, {"input": {"id": one["id"], "estimate": number}})
        if answer is not None and "data" in answer:
            assert [each["code"] for each in answer["data"]["taskUpdate"]["errors"]] == ["INVALID"]
    assert (await do(app, team.member, "taskUpdate", id=one["id"], estimate=0.1))["task"]["estimate"] == 0.1
