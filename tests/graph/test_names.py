"""Names through the graph: one name is one in all its forms, whatever is unique, searched or sorted by it."""

import asyncio
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.app import App
from tests.support.graph_actions import (
    codes_and_paths,
    create_document,
    create_label,
    create_project,
    create_task,
    mutate,
    mutate_ok,
    table_states,
)
from tests.support.sample_tasks import deterministic
from tests.support.sign_in import PASSWORD, register, sign_in, unused_email
from tests.support.teams import SampleTeam, create_person_without_team, create_sample_team, join_team

TWINS = [
    ("Büg", "Bu\u0308g"),
    ("Bug", "B\u200bug"),
    ("Straße", "STRASSE"),
    ("Ａ１", "a1"),
    ("a b", "A\u00a0 B"),
    ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
    ("ﬁx", "FIX\u2060"),
]
INVISIBLE = ["\u200b", "\ufeff", "\u2060", "\u3164", "\u200e", "\u00ad", "\u2800", "\u200d", "\U000e0041", " \u3000 "]
BREAKS = ["\n", "\r", "\t", "\x85", "\u2028", "\u2029", "\x0b"]


@pytest.mark.parametrize(("one", "other"), TWINS)
async def test_a_label_is_unique_in_every_form_of_its_name(app: App, team: SampleTeam, one: str, other: str) -> None:
    await create_label(app, team.member, team.team_id, one)
    second = await create_label(app, team.member, team.team_id, "Second")
    before = await table_states(app)
    refusal = [("NOT_UNIQUE", ["input", "name"])]
    given_ = {"teamId": team.team_id, "name": other, "color": "#000000"}
    assert codes_and_paths(await mutate(app, team.member, "labelCreate", **given_)) == refusal
    assert codes_and_paths(await mutate(app, team.member, "labelUpdate", id=second, name=other)) == refusal
    assert await table_states(app) == before
    # Its own name in another form is no other's.
    own = next(
        each["id"]
        for each in (await app.run(team.member, LABELS, id=team.team_id))["team"]["labels"]["nodes"]
        if each["id"] != second
    )
    assert codes_and_paths(await mutate(app, team.member, "labelUpdate", id=own, name=other)) == []


LABELS = "query ($id: ID!) { team(id: $id) { labels { nodes { id name } } } }"


@pytest.mark.parametrize(("one", "other"), TWINS)
async def test_a_team_is_unique_in_every_form_of_its_name(app: App, team: SampleTeam, one: str, other: str) -> None:
    unique = team.team.key
    await mutate_ok(app, team.owner, "teamCreate", name=f"{one} {unique}")
    before = await table_states(app)
    payload = await mutate(app, team.outsider, "teamCreate", name=f"{other} {unique}")
    assert codes_and_paths(payload) == [("NOT_UNIQUE", ["input", "name"])]
    payload = await mutate(app, team.owner, "teamUpdate", id=team.team_id, name=f"{other} {unique}")
    assert codes_and_paths(payload) == [("NOT_UNIQUE", ["input", "name"])]
    assert await table_states(app) == before


async def test_of_twins_made_at_once_one_is_refused(app: App, team: SampleTeam) -> None:
    forms = ["Straße", "STRASSE", "Stra\u00adsse", "ＳＴＲＡＳＳＥ"]
    made = (mutate(app, team.member, "labelCreate", teamId=team.team_id, name=name, color="#000000") for name in forms)
    refusals = [codes_and_paths(payload) for payload in await asyncio.gather(*made)]
    assert sorted(refusals) == [[]] + [[("NOT_UNIQUE", ["input", "name"])]] * 3


async def test_accents_distinguish_names_and_stand_beside_each_other(app: App, team: SampleTeam) -> None:
    names = ["zebra", "Apple", "banana", "Äpfel", "éclair", "Bug", "Büg", "🚀 go", "9 lives", "~draft"]
    for name in names:
        await create_label(app, team.member, team.team_id, name)
    found = (await app.run(team.member, LABELS, id=team.team_id))["team"]["labels"]["nodes"]
    expected = ["~draft", "🚀 go", "9 lives", "Äpfel", "Apple", "banana", "Bug", "Büg", "éclair", "zebra"]
    assert [each["name"] for each in found] == expected


FILTERED = """
query ($project: ID!, $tasks: TaskFilter, $documents: DocumentFilter, $projects: ProjectFilter) {
  project(id: $project) { tasks(filter: $tasks) { totalCount } documents(filter: $documents) { totalCount } }
  projects(filter: $projects) { totalCount }
}
"""


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("e\u0301cole", "école"),
        ("École normale", "ecole"),
        ("ecole", "ÉCOLE"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("STRASSE", "straße"),
        ("Ｐａｎｔｈｅｒａ", "panthera"),
        ("Łódź", "lodz"),
        ("İSTANBUL", "istanbul"),
        ("ship it", "  ship it  "),
        ("ship  it", "ship it"),
        ("B\u200bug", "bug"),
        ("bug", "b\u00adug"),
        ("❤️ it", "❤"),
        ("100% done_", "100% DONE_"),
    ],
)
async def test_a_name_is_found_by_any_form_of_its_words(app: App, team: SampleTeam, name: str, query: str) -> None:
    project = await create_project(app, team, f"{name} project")
    await create_task(app, team, name, projectId=project)
    await create_document(app, team, name, projectId=project)
    for operator in ("contains", "startsWith"):
        narrowed = {operator: query}
        found = await app.run(
            team.member,
            FILTERED,
            project=project,
            tasks={"title": narrowed},
            documents={"title": narrowed},
            projects={"name": narrowed},
        )
        assert found == {"project": {"tasks": {"totalCount": 1}, "documents": {"totalCount": 1}}, "projects": {"totalCount": 1}}


async def test_a_pattern_of_sql_or_a_part_of_another_word_finds_nothing(app: App, team: SampleTeam) -> None:
    await create_task(app, team, "user_name is 100 done")
    for operator, query in (("contains", "%"), ("contains", "userXname"), ("startsWith", "name"), ("contains", "\x01")):
        narrowed = {"title": {operator: query}}
        found = await app.run(team.member, FILTERED, project=team.project_id, tasks=narrowed)
        assert found["project"]["tasks"]["totalCount"] == 0, query


async def test_exactly_this_text_is_found_in_every_unicode_form(app: App, team: SampleTeam) -> None:
    await create_task(app, team, "e\u0301cole")
    for operator, value, count in (
        ("eq", "école", 1),
        ("eq", "e\u0301cole", 1),
        ("in", ["x", "e\u0301cole"], 1),
        ("eq", "École", 0),
    ):
        found = await app.run(team.member, FILTERED, project=team.project_id, tasks={"title": {operator: value}})
        assert found["project"]["tasks"]["totalCount"] == count, value


USERS = "query ($query: String) { users(query: $query) { nodes { displayName } } }"
MEMBERS = "query ($id: ID!, $query: String) { team(id: $id) { members(query: $query) { nodes { displayName } } } }"


@pytest.mark.parametrize("query", ["zoë", "ZOE ", " zoe łuk", "Zoe\u0308 Łukasiewicz", "lukas", "zoë  łuk", "zoe.l@bucher"])
async def test_people_are_found_by_any_form_of_their_name_or_address(app: App, team: SampleTeam, query: str) -> None:
    unique = team.team.key.lower()
    payload = await register(app, firstName="Zoë", lastName="Łukasiewicz", email=f"zoe.l@bücher{unique}.example")
    assert payload["errors"] == []
    await app.sql.execute(
        "INSERT INTO team_members (team_id, user_id, role, joined_at) SELECT $1, id, 'MEMBER', now() FROM users WHERE email = $2",
        team.team.id,
        payload["user"]["email"],
    )
    found = (await app.run(team.member, USERS, query=query))["users"]["nodes"]
    assert found == [{"displayName": "Zoë Łukasiewicz"}]
    found = (await app.run(team.member, MEMBERS, id=team.team_id, query=query))["team"]["members"]["nodes"]
    assert found == [{"displayName": "Zoë Łukasiewicz"}]


async def test_one_address_is_one_account_however_it_is_written(app: App) -> None:
    unique = unused_email()[4:12]
    forms = [
        f"x{unique}@bücher.example",
        f"X{unique}@xn--bcher-kva.example",
        f"x{unique}@bu\u0308cher.example",
        f" ｘ{unique}＠BÜCHER．example ",
    ]
    first = await register(app, email=forms[1])
    assert (first["errors"], first["user"]["email"]) == ([], f"X{unique}@bücher.example")
    for form in forms:
        again = await register(app, email=form)
        assert codes_and_paths(again) == [("NOT_UNIQUE", ["input", "email"])], form
        assert (await sign_in(app, form))["user"]["id"] == first["user"]["id"], form
    assert codes_and_paths(await sign_in(app, f"x{unique}@bucher.example")) == codes_and_paths(await sign_in(app, "nobody@x.de"))


async def test_a_password_is_the_same_in_every_unicode_form(app: App) -> None:
    email = unused_email()
    made = await register(app, email=email, password="Pa\u0308sse und Pla\u0308tze")
    assert made["errors"] == []
    for form in ("P\u00e4sse und Pl\u00e4tze", "Pa\u0308sse\u00a0und\u3000Pla\u0308tze"):
        assert (await sign_in(app, email, form))["errors"] == []
    for wrong in ("Passe und Platze", "p\u00e4sse und pl\u00e4tze", "P\u00e4sse  und Pl\u00e4tze"):
        assert (await sign_in(app, email, wrong))["errors"] != []


async def test_a_task_is_found_by_its_key_however_it_is_pasted(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team)
    query = "query ($key: String!) { taskByKey(key: $key) { id } }"
    wide = "".join(chr(ord(each) + 0xFEE0) for each in task["key"])
    for key in (task["key"].lower(), f" {task['key']}\u200b", f"\ufeff{task['key']}", wide):
        assert (await app.run(team.member, query, key=key))["taskByKey"] == {"id": task["id"]}, ascii(key)


async def test_an_invitation_is_accepted_under_any_form_of_its_address(app: App, team: SampleTeam) -> None:
    unique = team.team.key.lower()
    account = await register(app, email=f"y{unique}@bücher.example")
    invite = {"teamId": team.team_id, "role": "MEMBER"}
    gives = "invitationToken"
    first = await mutate(app, team.owner, "teamInvite", gives, **invite, email=f"Y{unique}@bu\u0308cher.example")
    second = await mutate(app, team.owner, "teamInvite", gives, **invite, email=f"y{unique}@xn--bcher-kva.example")
    invitations = "query ($id: ID!) { team(id: $id) { invitations { totalCount } } }"
    assert (await app.run(team.owner, invitations, id=team.team_id))["team"]["invitations"]["totalCount"] == 1
    accept = "mutation ($input: TokenInput!) { invitationAccept(input: $input) { errors { code } team { id } } }"
    signed_in = (await sign_in(app, f"y{unique}@bücher.example", PASSWORD))["tokens"]
    credentials = await app.resources.tokens.authenticate(f"Bearer {signed_in['accessToken']}")
    assert credentials is not None
    actor = credentials.actor
    for payload, accepted in ((first, False), (second, True)):
        answer = await app.execute(None, accept, actor=actor, input={"token": payload["invitationToken"]})
        assert (answer["data"]["invitationAccept"]["errors"] == []) is accepted
    again = await mutate(app, team.owner, "teamInvite", **invite, email=f"Y{unique}@BÜCHER.example")
    assert codes_and_paths(again) == [("NOT_UNIQUE", ["input", "email"])]
    assert account["errors"] == []


LINES: list[tuple[str, str, dict[str, Any]]] = [
    ("taskCreate", "title", {"projectId": "project"}),
    ("documentCreate", "title", {"projectId": "project"}),
    ("projectCreate", "name", {"teamId": "team"}),
    ("labelCreate", "name", {"teamId": "team", "color": "#000000"}),
    ("teamCreate", "name", {}),
    ("userUpdate", "firstName", {}),
    ("userUpdate", "lastName", {}),
    ("teamUpdate", "name", {"id": "team"}),
    ("projectUpdate", "name", {"id": "project"}),
]


@pytest.mark.parametrize(("field", "name", "given_"), LINES, ids=[f"{field}-{name}" for field, name, _ in LINES])
async def test_a_name_can_be_seen_and_is_one_line(
    app: App, team: SampleTeam, field: str, name: str, given_: dict[str, Any]
) -> None:
    known = {"project": team.project_id, "team": team.team_id}
    values = {key: known.get(value, value) for key, value in given_.items()}
    before = await table_states(app)
    for invisible in INVISIBLE:
        payload = await mutate(app, team.owner, field, **values, **{name: invisible})
        assert codes_and_paths(payload) == [("REQUIRED", ["input", name])], ascii(invisible)
    for line_break in BREAKS:
        payload = await mutate(app, team.owner, field, **values, **{name: f"a{line_break}b"})
        assert codes_and_paths(payload) == [("INVALID", ["input", name])], ascii(line_break)
    assert await table_states(app) == before


@deterministic
@given(name=st.text(alphabet="aé\u0301\u200b\u200d\u202e❤\ufe0f한ﬁＡ x", min_size=1, max_size=12))
async def test_what_is_stored_of_a_title_is_what_is_shown_and_found(app: App, module_team: SampleTeam, name: str) -> None:
    payload = await mutate(app, module_team.member, "taskCreate", projectId=module_team.project_id, title=name)
    if payload["errors"]:
        assert codes_and_paths(payload) == [("REQUIRED", ["input", "title"])]
        return
    shown = payload["task"]["title"]
    assert unicodedata.is_normalized("NFC", shown)
    assert codes_and_paths(await mutate(app, module_team.member, "taskUpdate", id=payload["task"]["id"], title=shown)) == []
    for form in (name, shown, shown.upper(), unicodedata.normalize("NFKD", shown)):
        narrowed = {"title": {"contains": form}, "id": {"eq": payload["task"]["id"]}}
        found = await app.run(module_team.member, FILTERED, project=module_team.project_id, tasks=narrowed)
        assert found["project"]["tasks"]["totalCount"] == 1


@pytest.fixture(scope="module")
async def module_team(app: App) -> SampleTeam:
    """A team for all examples."""
    return await create_sample_team(app)


async def test_a_person_who_joins_is_sorted_by_name(app: App, team: SampleTeam) -> None:
    for name in ("Ödön", "Zed", "Oda"):
        await join_team(app, team.team_id, team.owner, await create_person_without_team(app, name))
    found = (await app.run(team.member, MEMBERS, id=team.team_id))["team"]["members"]["nodes"]
    names = [each["displayName"].split()[0] for each in found]
    assert names == ["Admin", "Guest", "Mate", "Member", "Oda", "Ödön", "Owner", "Zed"]
