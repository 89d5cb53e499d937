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
from tests.support.app import App
from tests.support.examples import examples
from tests.support.graph_actions import create_comment, create_label, create_task, mutate, mutation_text, table_states
from tests.support.hostile_values import CORE_SCHEMA, STRINGS, UNENCODABLE_STRINGS, argument_values, mostly_valid, values_of
from tests.support.teams import SampleTeam, create_sample_team

CODES = {each.value for each in ErrorCode} - {"INTERNAL"}


@dataclass
class Target:
    """What is there to be hit. `ids` are by type, in the words that the strategies use until there is a target."""

    team: SampleTeam
    ids: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
async def target(app: App) -> Target:
    """A team with one of everything."""
    team = await create_sample_team(app)
    one = await create_task(app, team)
    said = await create_comment(app, team.member, one)
    named = {"Team": team.team_id, "Project": team.project_id, "Task": one["id"], "Comment": said["id"], "User": team.mate.id}
    named |= {"Label": await create_label(app, team.member, team.team_id, "label"), "Session": ids.encode("Session", uuid4())}
    return Target(team, named)


def with_target_ids(target: Target, value: Any) -> Any:
    """A drawn value with the target's ids in it."""
    match value:
        case str() if value[1:] in target.ids and value[0] == "@":
            return target.ids[value[1:]]
        case list():
            return [with_target_ids(target, each) for each in value]
        case dict():
            return {name: with_target_ids(target, each) for name, each in value.items()}
        case _:
            return value


async def execute_body(app: App, target: Target, query: str, variables: dict[str, Any]) -> Any:
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
def no_logged_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing was logged as unexpected."""
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


# What would take the target away, or cost a password's hash each time.
SPARED_MUTATIONS = {"userDelete", "teamDelete", "projectDelete", "taskDelete", "labelDelete", "commentDelete"}
MUTATIONS = sorted(CORE_SCHEMA.mutation_type.fields)  # type: ignore[union-attr]
QUERIES = CORE_SCHEMA.query_type.fields  # type: ignore[union-attr]
deterministic = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _mutation_input(name: str) -> SearchStrategy[tuple[str, Any]]:
    declared = CORE_SCHEMA.mutation_type.fields[name].args["input"].type  # type: ignore[union-attr]
    given = values_of(declared)
    if name in SPARED_MUTATIONS:
        given = given.map(lambda held: held | {"id": "nobody's"})
    return mostly_valid(given).map(lambda held: (name, held))


@pytest.mark.slow
@examples(100, many=1_000, like=deterministic)
@given(drawn=st.sampled_from(MUTATIONS).flatmap(_mutation_input))
@pytest.mark.usefixtures("no_logged_errors")
async def test_a_mutation_takes_anything_and_writes_all_or_nothing(app: App, target: Target, drawn: tuple[str, Any]) -> None:
    name, given_ = drawn
    before = await table_states(app)
    answer = await execute_body(app, target, mutation_text(name, ""), {"input": with_target_ids(target, given_)})
    payload = answer and answer.get("data") and answer["data"][name]
    if payload is None or payload["errors"]:
        assert await table_states(app) == before
        for error in payload["errors"] if payload else ():
            assert error["code"] in CODES
            assert error["path"] is None or error["path"][0] == "input"


def _query_arguments(name: str) -> SearchStrategy[tuple[str, dict[str, Any]]]:
    return argument_values(QUERIES[name].args).map(lambda held: (name, held))


@pytest.mark.slow
@examples(75, many=1_000, like=deterministic)
@given(drawn=st.sampled_from(sorted(name for name in QUERIES if QUERIES[name].args)).flatmap(_query_arguments))
@pytest.mark.usefixtures("no_logged_errors")
async def test_a_query_takes_anything(app: App, target: Target, drawn: tuple[str, dict[str, Any]]) -> None:
    name, given_ = drawn
    args = QUERIES[name].args
    declared = " ".join(f"${each}: {str(args[each].type).rstrip('!')}" for each in given_)
    passed = " ".join(f"{each}: ${each}" for each in given_)
    wanted = "totalCount nodes { __typename }" if str(QUERIES[name].type).rstrip("!").endswith("Connection") else "__typename"
    wanted = "nodes { __typename }" if name == "changes" else wanted
    text = f"query {f'({declared})' if declared else ''} {{ {name}{f'({passed})' if passed else ''} {{ {wanted} }} }}"
    await execute_body(app, target, text, with_target_ids(target, given_))


NESTED = {
    "Task": ["comments", "activity", "watchers", "labels", "subtasks", "links"],
    "Project": ["tasks", "members", "activity"],
    "Team": ["members", "projects", "labels", "invitations"],
    "User": ["assignedTasks", "teams", "avatarUrl"],
}


def _nested_arguments(field: tuple[str, str]) -> SearchStrategy[tuple[str, str, dict[str, Any]]]:
    fields: Any = CORE_SCHEMA.type_map[field[0]]
    return argument_values(fields.fields[field[1]].args).map(lambda held: (*field, held))


@pytest.mark.slow
@examples(50, many=1_000, like=deterministic)
@given(drawn=st.sampled_from([(one, each) for one in NESTED for each in NESTED[one]]).flatmap(_nested_arguments))
@pytest.mark.usefixtures("no_logged_errors")
async def test_a_relation_takes_anything(app: App, target: Target, drawn: tuple[str, str, dict[str, Any]]) -> None:
    type_name, name, given_ = drawn
    fields: Any = CORE_SCHEMA.type_map[type_name]
    args = fields.fields[name].args
    declared = " ".join(f"${each}: {str(args[each].type).rstrip('!')}" for each in given_)
    passed = f"({' '.join(f'{each}: ${each}' for each in given_)})" if given_ else ""
    wanted = "" if name == "avatarUrl" else "{ nodes { __typename } totalCount }"
    text = f"query ($node: ID! {declared}) {{ node(id: $node) {{ ... on {type_name} {{ {name}{passed} {wanted} }} }} }}"
    await execute_body(app, target, text, {"node": target.ids[type_name]} | with_target_ids(target, given_))


LITERALS = [
    *(json.dumps(each) for each in STRINGS + UNENCODABLE_STRINGS if len(each) < 1000),
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


@pytest.mark.usefixtures("no_logged_errors")
async def test_literals_in_the_document_are_taken_no_better(app: App, target: Target) -> None:
    before, comment_id = await table_states(app), json.dumps(target.ids["Comment"])
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
            await execute_body(app, target, text, {})
    assert await table_states(app) == before


@pytest.mark.usefixtures("no_logged_errors")
async def test_a_nul_is_refused_in_the_document_in_the_body_and_at_last_by_the_database(app: App, target: Target) -> None:
    query = "query ($key: String!) { taskByKey(key: $key) { id } }"
    for answer in (
        await execute_body(app, target, '{ taskByKey(key: "a\\u0000") { id } }', {}),
        await app.execute(target.team.member, query, key="a\0"),
    ):
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
    assert await execute_body(app, target, query, {"key": "a\0"}) is None


@pytest.mark.usefixtures("no_logged_errors")
async def test_estimates_of_any_size_are_numbers_or_refused(app: App, team: SampleTeam) -> None:
    one = await create_task(app, team)
    for number in (10**400, 2**64, 1e308, -1, float("nan")):
        text = mutation_text("taskUpdate", "task { estimate }")
        answer = await execute_body(app, Target(team), text, {"input": {"id": one["id"], "estimate": number}})
        if answer is not None and "data" in answer:
            assert [each["code"] for each in answer["data"]["taskUpdate"]["errors"]] == ["INVALID"]
    assert (await mutate(app, team.member, "taskUpdate", id=one["id"], estimate=0.1))["task"]["estimate"] == 0.1
