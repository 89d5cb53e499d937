"""Instants, days and ids are read as their specifications write them, by both executors, in documents new and known."""

from itertools import count

import pytest

from tests.support.app import App, Person
from tests.support.teams import SampleTeam

POSITIONS = {
    "DateTime": "tasks(first: 1, filter: {createdAt: {after: %s}}) { totalCount }",
    "Date": "tasks(first: 1, filter: {dueOn: {before: %s}}) { totalCount }",
    "UUID": 'taskCreate(input: {id: %s, projectId: "", title: ""}) { errors { path } }',
}
OPERATIONS = {"DateTime": "query", "Date": "query", "UUID": "mutation"}
TAKEN = {
    "DateTime": [
        *("2024-02-29T10:00:00Z", "2024-02-29t10:00:00z", "2024-02-29T10:00:00+05:30", "2024-02-29T10:00:00-00:00"),
        *("2024-02-29T10:00:00.5Z", "2024-02-29T10:00:00.123456789-08:00"),
    ],
    "Date": ["2024-02-29", "0001-01-01", "9999-12-31"],
    "UUID": ["0197a3b2-1111-7111-8111-1111111111ab", "0197A3B2-1111-4111-8111-1111111111AB"],
}
REFUSED = {
    "DateTime": [
        *("2024-W09-4T10:00:00Z", "2024-060T10:00:00Z", "20240229T100000Z", "2024-02-29T10Z", "2024-02-29T10:00Z", "2024-02-29"),
        *(
            "2024-02-29 10:00:00Z",
            "2024-02-29T10:00:00",
            "2024-02-29T10:00:00,5Z",
            "2024-02-29T10:00:00.Z",
            "2024-02-29T24:00:00Z",
        ),
        *("2024-02-29T10:00:00+00:00:30", "2024-02-29T10:00:00+0530", "2024-02-29T10:00:00+25:00", "2023-02-29T10:00:00Z"),
        *("2024-02-29T10:00:00Z ", "2024-02-29T10:00:00Z\n", "२०२४-02-29T10:00:00Z", "0001-01-01T00:00:00+14:00", "", "now"),
        *("9999-12-31T23:59:59-23:59", "infinity"),
    ],
    "Date": [
        *("2024-W09-4", "2024-060", "20240229", "2024-2-29", "24-02-29", "2023-02-29", "2024-13-01", "2024-02-29T00:00:00Z"),
        *("0000-01-01", "10000-01-01", "+002024-02", " 2024-02-29", "2024-02-29\n", "२०२४-०२-२९", "２０２４-02-29", "", "today"),
    ],
    "UUID": [
        *("{0197a3b2-1111-7111-8111-11111111111", "0197a3b211117111811111111111----1111", "0197a3b2-1_11-7111-8111-111111111111"),
        *("0197a3b2-1111-7111-8111-11111111111１", "urn:uuid:0197a3b2-1111-7111-8111-111", "0197a3b2111171118111111111111111"),
        *("0197a3b2-1111-7111-8111-11111111111g", "0197a3b2-1111-7111-8111-111111111111\n", ""),
    ],
}
new_names = count()


async def codes_of(app: App, person: Person, scalar: str, value: str) -> set[str]:
    """The codes of the errors for a value as a variable of a document that is new, of the same again, and as a literal."""
    operation, position = OPERATIONS[scalar], POSITIONS[scalar]
    by_variable = f"{operation} New{next(new_names)}($value: {scalar}!) {{ {position % '$value'} }}"
    literal = '"' + value.replace("\n", "\\n") + '"'
    answers = [
        await app.execute(person, by_variable, value=value),
        await app.execute(person, by_variable, value=value),
        await app.execute(person, f"{operation} {{ {position % literal} }}"),
    ]
    return {error["extensions"]["code"] for answer in answers for error in answer.get("errors", [{"extensions": {"code": ""}}])}


@pytest.mark.parametrize("scalar", POSITIONS)
async def test_a_scalar_is_read_as_its_specification_writes_it(app: App, team: SampleTeam, scalar: str) -> None:
    for value in TAKEN[scalar]:
        assert await codes_of(app, team.member, scalar, value) == {""}, value


@pytest.mark.parametrize("scalar", POSITIONS)
async def test_no_other_form_is_taken_and_the_answer_says_so(app: App, team: SampleTeam, scalar: str) -> None:
    for value in REFUSED[scalar]:
        assert await codes_of(app, team.member, scalar, value) == {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}, value
