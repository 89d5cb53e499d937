"""Share links: who makes them, what they open and what they do not, and how they end."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.actor import Actor, Scope
from domain.errors import TokenExpired, Unauthenticated
from domain.share_link import MAX_SHARE_LINKS, TOKEN_PREFIX, ShareLinkTokens
from domain.user import UserStatus
from gateway.execution.executor import OperationRequest
from persistence.documents.access import DocumentAccessReader
from persistence.unit_of_work import unit_of_work
from resolvers import ids
from schema.root import bindings, schema
from schema.shared_fields import SHARED_FIELDS
from tests.support.app import App, Person
from tests.support.graph_actions import (
    codes_and_paths,
    create_document,
    create_project,
    create_task,
    mutate,
    mutate_ok,
    table_states,
)
from tests.support.share_links import actor_of, create_share_link, token_of
from tests.support.teams import SampleTeam, uuid_of
from tests.support.tenants import MUTATIONS

LINKS_OF_PROJECT = "query ($id: ID!) { project(id: $id) { shareLinks { nodes { id url } } } }"
LINKS_OF_DOCUMENT = "query ($id: ID!) { document(id: $id) { shareLinks { nodes { id url subject { id } createdBy { id } } } } }"
DOCUMENT = "query ($id: ID!) { document(id: $id) { title content(format: TEXT) { text } } }"
BOARD = (
    "query ($id: ID!) { project(id: $id) { name tasks { nodes { title assignee { displayName } labels { nodes { name } } } } } }"
)
OWN = "{ shareLink { id expiresAt subject { id ... on Document { title } } } }"
OWN_BOARD = "{ shareLink { id expiresAt subject { id ... on Project { name } } } }"


async def as_guest(app: App, link: Any, text: str, /, **variables: Any) -> Any:
    """The whole answer to whoever has the link."""
    return await app.execute(None, text, actor=await actor_of(app, link), **variables)


def codes(answer: Any) -> list[str]:
    """The codes of the errors of an answer."""
    return [each["extensions"]["code"] for each in answer.get("errors", ())]


async def test_a_link_opens_its_document_and_only_that(app: App, team: SampleTeam) -> None:
    shared = await create_document(app, team, "Plan", by=team.member, content="# Plan\n\nAll of it.")
    other = await create_document(app, team, "Other", by=team.member)
    link = await create_share_link(app, team.member, shared["id"])
    seen = (await as_guest(app, link, DOCUMENT, id=shared["id"]))["data"]["document"]
    assert (seen["title"], "All of it." in seen["content"]["text"]) == ("Plan", True)
    assert (await as_guest(app, link, DOCUMENT, id=other["id"])) == {"data": {"document": None}}
    assert (await as_guest(app, link, OWN))["data"]["shareLink"] == {
        "id": link["id"],
        "expiresAt": None,
        "subject": {"id": shared["id"], "title": "Plan"},
    }
    for id_ in (other["id"], team.project_id, team.team_id, team.member.id):
        answer = await as_guest(app, link, "query ($id: ID!) { node(id: $id) { id } }", id=id_)
        assert answer.get("data") in (None, {"node": None}), answer


async def test_a_link_opens_its_board_and_only_that(app: App, team: SampleTeam) -> None:
    here = await create_task(app, team, "Here", by=team.member, assigneeId=team.mate.id)
    elsewhere = await create_project(app, team, "Elsewhere")
    there = await create_task(app, team, "There", by=team.owner, projectId=elsewhere)
    gone = await create_task(app, team, "Gone", by=team.member)
    await mutate_ok(app, team.member, "taskDelete", id=gone["id"])
    link = await create_share_link(app, team.member, team.project_id)
    board = (await as_guest(app, link, BOARD, id=team.project_id))["data"]["project"]
    titles = {each["title"]: each for each in board["tasks"]["nodes"]}
    assert "Here" in titles
    assert titles["Here"]["assignee"] == {"displayName": f"{team.mate.user.first_name} {team.mate.user.last_name}"}
    assert not {"There", "Gone"} & titles.keys()
    assert (await as_guest(app, link, BOARD, id=elsewhere)) == {"data": {"project": None}}
    task = "query ($id: ID!) { task(id: $id) { title } }"
    assert (await as_guest(app, link, task, id=here["id"]))["data"] == {"task": {"title": "Here"}}
    for id_ in (there["id"], gone["id"]):
        assert (await as_guest(app, link, task, id=id_))["data"] == {"task": None}


@pytest.mark.parametrize(
    "text",
    [
        "{ viewer { id } }",
        "{ teams { nodes { id } } }",
        "{ users { nodes { id } } }",
        "{ projects { nodes { id } } }",
        "{ tasks { nodes { id } } }",
        "{ documents { nodes { id } } }",
        "{ notifications { nodes { id } } }",
        '{ search(query: "x") { totalCount } }',
        "{ changes { cursor } }",
        "{ __schema { queryType { name } } }",
        "query ($id: ID!) { project(id: $id) { team { id } } }",
        "query ($id: ID!) { project(id: $id) { members { nodes { id } } } }",
        "query ($id: ID!) { project(id: $id) { documents { nodes { id } } } }",
        "query ($id: ID!) { project(id: $id) { activity { nodes { id } } } }",
        "query ($id: ID!) { project(id: $id) { viewerCan } }",
        "query ($id: ID!) { project(id: $id) { shareLinks { nodes { url } } } }",
        "query ($id: ID!) { project(id: $id) { tasks { nodes { comments { nodes { id } } } } } }",
        "query ($id: ID!) { project(id: $id) { tasks { nodes { links { nodes { id } } } } } }",
        "query ($id: ID!) { project(id: $id) { tasks(filter: {includeDeleted: true}) { nodes { id } } } }",
        "query ($id: ID!) { project(id: $id) { lead { email } } }",
        "query ($id: ID!) { project(id: $id) { lead { teams { nodes { id } } } } }",
        "query ($id: ID!) { project(id: $id) { lead { status } } }",
        "query ($id: ID!) { node(id: $id) { ... on Entity { viewerCan } } }",
        "query ($id: ID!) { node(id: $id) { ... on Discussable { comments { nodes { id } } } } }",
        "query ($id: ID!) { project(id: $id) { ...F } } fragment F on Project { a: team { name } }",
        "query A { shareLink { id } } query B { teams { nodes { id } } }",
        "{ shareLink { url } }",
        "{ shareLink { createdBy { id } } }",
        "{ shareLink { lastUsedAt } }",
    ],
)
async def test_whatever_leads_beyond_is_refused_before_anything_is_read(app: App, team: SampleTeam, text: str) -> None:
    link = await create_share_link(app, team.member, team.project_id)
    actor = await actor_of(app, link)
    request = OperationRequest(text, variables={"id": team.project_id}, operation_name="A" if "query A" in text else None)
    before = app.resources.database.statements_run
    answer = (await app.executor.execute(request, app.context(None, actor))).to_payload()
    assert app.resources.database.statements_run == before
    assert (answer.get("data"), [each["extensions"]["code"] for each in answer["errors"]]) == (None, ["FORBIDDEN"])


async def test_no_mutation_and_no_other_subscription_is_open_to_a_link(app: App, team: SampleTeam) -> None:
    link = await create_share_link(app, team.member, team.project_id)
    before = await table_states(app)
    for name in MUTATIONS:
        field = schema._schema.mutation_type.fields[name]  # type: ignore[union-attr]
        type_ = str(field.args["input"].type)
        text = f"mutation ($input: {type_}) {{ {name}(input: $input) {{ clientMutationId }} }}"
        answer = await as_guest(app, link, text, input={})
        assert answer.get("data") is None, name
        assert codes(answer)[0] in ("FORBIDDEN", "BAD_USER_INPUT"), name
    assert {name: state for name, state in (await table_states(app)).items() if name != "share_links"} == {
        name: state for name, state in before.items() if name != "share_links"
    }


def test_every_field_that_links_show_exists_and_is_of_a_known_kind() -> None:
    fields = {
        f"{name}.{field}"
        for name, type_ in schema._schema.type_map.items()
        if hasattr(type_, "fields") and not name.startswith("__")
        for field in type_.fields
    }
    for kind, allowed in SHARED_FIELDS.items():
        assert allowed <= fields, (kind, allowed - fields)
        shown = {bindings[each] for each in allowed if each in bindings}
        assert not [each for each in shown if each.kind == "mutation" or each.personal]
        assert not {each for each in allowed if each.startswith(("Mutation.", "Team.", "Comment.", "Account."))}


MAKERS: Sequence[tuple[str, str, list[Any]]] = [
    ("owner", "project", []),
    ("admin", "project", []),
    ("member", "project", []),
    ("guest", "project", [("FORBIDDEN", ["input", "subjectId"])]),
    ("outsider", "project", [("NOT_FOUND", ["input", "subjectId"])]),
    ("member", "document", []),
    ("guest", "document", [("FORBIDDEN", None)]),
    ("outsider", "document", [("NOT_FOUND", ["input", "subjectId"])]),
]


@pytest.mark.parametrize(("who", "what", "errors"), MAKERS)
async def test_whoever_may_edit_may_make_a_link(app: App, team: SampleTeam, who: str, what: str, errors: list[Any]) -> None:
    person: Person = getattr(team, who)
    document = await create_document(app, team, "Plan", by=team.owner)
    subject = team.project_id if what == "project" else document["id"]
    before = await table_states(app)
    payload = await mutate(app, person, "shareLinkCreate", "shareLink { id }", subjectId=subject)
    assert codes_and_paths(payload) == errors
    assert (await table_states(app) == before) is bool(errors)


async def test_links_are_listed_for_those_who_may_make_them(app: App, team: SampleTeam) -> None:
    document = await create_document(app, team, "Plan", by=team.member)
    first, second = [await create_share_link(app, team.member, document["id"]) for _ in range(2)]
    for person in (team.member, team.mate, team.admin):
        listed = (await app.run(person, LINKS_OF_DOCUMENT, id=document["id"]))["document"]["shareLinks"]["nodes"]
        assert [each["id"] for each in listed] == [second["id"], first["id"]]
        assert listed[0]["url"] == second["url"]
        assert (listed[0]["subject"]["id"], listed[0]["createdBy"]["id"]) == (document["id"], team.member.id)
    assert (await app.run(team.guest, LINKS_OF_DOCUMENT, id=document["id"]))["document"]["shareLinks"]["nodes"] == []
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert [(await app.run(each, node, id=first["id"]))["node"] for each in (team.guest, team.outsider)] == [None, None]
    reader = Actor(user_id=team.member.user.id, scopes=frozenset({Scope.PROJECTS_READ, Scope.DOCUMENTS_READ}))
    refused = await app.execute(None, LINKS_OF_DOCUMENT, actor=reader, id=document["id"])
    assert codes(refused) == ["INSUFFICIENT_SCOPE"]


async def test_only_its_creator_and_admins_revoke_a_link(app: App, team: SampleTeam) -> None:
    link = await create_share_link(app, team.member, team.project_id)
    for person, code in ((team.mate, "FORBIDDEN"), (team.guest, "NOT_FOUND"), (team.outsider, "NOT_FOUND")):
        before = await table_states(app)
        assert codes_and_paths(await mutate(app, person, "shareLinkRevoke", id=link["id"])) == [(code, ["input", "id"])]
        assert await table_states(app) == before
    await mutate_ok(app, team.member, "shareLinkRevoke", id=link["id"])
    with pytest.raises(Unauthenticated):
        await actor_of(app, link, fresh=True)
    other = await create_share_link(app, team.member, team.project_id)
    await mutate_ok(app, team.admin, "shareLinkRevoke", id=other["id"])
    assert (await app.run(team.member, LINKS_OF_PROJECT, id=team.project_id))["project"]["shareLinks"]["nodes"] == []
    assert codes_and_paths(await mutate(app, team.admin, "shareLinkRevoke", id=other["id"])) == [("NOT_FOUND", ["input", "id"])]


async def test_a_link_expires(app: App, team: SampleTeam) -> None:
    past = await mutate(app, team.member, "shareLinkCreate", subjectId=team.project_id, expiresAt=datetime.now(UTC).isoformat())
    assert codes_and_paths(past) == [("INVALID", ["input", "expiresAt"])]
    until = datetime.now(UTC) + timedelta(hours=1)
    link = await create_share_link(app, team.member, team.project_id, expiresAt=until.isoformat())
    assert (await as_guest(app, link, OWN_BOARD))["data"]["shareLink"]["expiresAt"] is not None
    await app.sql.execute("UPDATE share_links SET expires_at = now() - interval '1 s' WHERE id = $1", uuid_of(link["id"]))
    with pytest.raises(Unauthenticated):
        await actor_of(app, link, fresh=True)


async def _leave(app: App, team: SampleTeam, _: Any) -> None:
    await mutate_ok(app, team.owner, "teamMemberRemove", teamId=team.team_id, userId=team.member.id)


async def _become_guest(app: App, team: SampleTeam, _: Any) -> None:
    await mutate_ok(app, team.owner, "teamMemberSetRole", teamId=team.team_id, userId=team.member.id, role="GUEST")


async def _be_suspended(app: App, team: SampleTeam, _: Any) -> None:
    await app.sql.execute("UPDATE users SET status = $2 WHERE id = $1", team.member.user.id, UserStatus.INACTIVE.value)


async def _delete_document(app: App, team: SampleTeam, document: Any) -> None:
    await mutate_ok(app, team.owner, "documentDelete", id=document["id"])


async def _delete_project(app: App, team: SampleTeam, _: Any) -> None:
    await mutate_ok(app, team.owner, "projectDelete", id=team.project_id)


async def _delete_team(app: App, team: SampleTeam, _: Any) -> None:
    await mutate_ok(app, team.owner, "teamDelete", id=team.team_id)


@pytest.mark.parametrize(
    "end", [_leave, _become_guest, _be_suspended, _delete_document, _delete_project, _delete_team], ids=lambda each: each.__name__
)
async def test_a_link_ends_with_what_it_lends(app: App, team: SampleTeam, end: Any) -> None:
    document = await create_document(app, team, "Plan", by=team.owner)
    link = await create_share_link(app, team.member, document["id"])
    credentials = await app.resources.graph_tokens.authenticate(f"Bearer {token_of(link)}")
    assert credentials is not None
    assert await app.resources.graph_tokens.find_revoked([credentials]) == {}
    access = DocumentAccessReader(app.resources.database)
    found = await access.access(uuid_of(document["id"]), [uuid_of(link["id"])])
    assert found is not None
    assert list(found[1]) == [uuid_of(link["id"])]
    await end(app, team, document)
    assert list(await app.resources.graph_tokens.find_revoked([credentials])) == [credentials]
    with pytest.raises(Unauthenticated):
        await actor_of(app, link, fresh=True)
    found = await access.access(uuid_of(document["id"]), [uuid_of(link["id"])])
    assert found is None or found[1] == {}


async def test_a_document_in_a_project_that_its_creator_no_longer_sees_is_closed(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[])
    document = await create_document(app, team, "Plan", by=team.owner)
    link = await create_share_link(app, team.member, document["id"])
    await mutate_ok(app, team.owner, "documentMove", id=document["id"], projectId=secret)
    with pytest.raises(Unauthenticated):
        await actor_of(app, link, fresh=True)


async def test_a_link_to_one_document_opens_no_room_of_another(app: App, team: SampleTeam) -> None:
    one, other = [await create_document(app, team, name, by=team.member) for name in ("One", "Other")]
    link = await create_share_link(app, team.member, one["id"])
    access = DocumentAccessReader(app.resources.database)
    found = await access.access(uuid_of(other["id"]), [uuid_of(link["id"])])
    assert found is not None
    assert found[1] == {}


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: t + "A", lambda t: t[:-2] + "AA", lambda t: t.upper(), lambda t: t[11:]]
)
def test_a_token_that_was_changed_is_none(change: Any) -> None:
    tokens, id_ = ShareLinkTokens(b"secret"), UUID(int=7)
    token = tokens.encode(id_)
    assert tokens.decode(token) == id_
    assert token.startswith(TOKEN_PREFIX)
    assert tokens.decode(change(token)) is None
    assert ShareLinkTokens(b"another").decode(token) is None


def test_every_bit_of_a_token_counts() -> None:
    tokens = ShareLinkTokens(b"secret")
    token = tokens.encode(UUID(int=2**128 - 1))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for at in range(len(TOKEN_PREFIX), len(token)):
        for other in alphabet:
            if other != token[at]:
                assert tokens.decode(token[:at] + other + token[at + 1 :]) is None


async def test_a_subject_has_so_many_links_and_expired_ones_make_room(app: App, team: SampleTeam) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for _ in range(MAX_SHARE_LINKS):
        await create_share_link(app, team.member, team.project_id, expiresAt=until)
    refused = await mutate(app, team.member, "shareLinkCreate", subjectId=team.project_id)
    assert codes_and_paths(refused) == [("LIMIT_EXCEEDED", None)]
    await app.sql.execute("UPDATE share_links SET expires_at = now() WHERE subject_id = $1", uuid_of(team.project_id))
    await create_share_link(app, team.member, team.project_id)


async def test_links_are_in_the_audit_log_and_open_no_other_endpoint(app: App, team: SampleTeam) -> None:
    link = await create_share_link(app, team.member, team.project_id)
    with pytest.raises((Unauthenticated, TokenExpired)):
        await app.resources.tokens.authenticate(f"Bearer {token_of(link)}")
    await mutate_ok(app, team.member, "shareLinkRevoke", id=link["id"])
    rows = await app.sql.fetch(
        "SELECT type, payload::text AS payload FROM events WHERE entity_id = $1 ORDER BY position", uuid_of(link["id"])
    )
    assert [row["type"] for row in rows] == ["ShareLinkCreated", "ShareLinkRevoked"]
    assert not [row for row in rows if token_of(link)[11:] in row["payload"]]
    assert ids.encode("ShareLink", uuid_of(link["id"])) == link["id"]


async def test_the_use_of_a_link_is_noted(app: App, team: SampleTeam) -> None:
    link = await create_share_link(app, team.member, team.project_id)
    query = "query ($id: ID!) { node(id: $id) { ... on ShareLink { lastUsedAt } } }"
    assert (await app.run(team.member, query, id=link["id"]))["node"] == {"lastUsedAt": None}
    await actor_of(app, link)
    assert (await app.run(team.member, query, id=link["id"]))["node"]["lastUsedAt"] is not None


async def test_a_team_s_other_links_are_not_shown_with_one(app: App, team: SampleTeam) -> None:
    one, other = [await create_share_link(app, team.member, team.project_id) for _ in range(2)]
    answer = await as_guest(app, one, "query ($id: ID!) { node(id: $id) { id } }", id=other["id"])
    assert (answer.get("data"), codes(answer)) in ((None, ["INSUFFICIENT_SCOPE"]), ({"node": None}, ["INSUFFICIENT_SCOPE"]))
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        assert await uow.share_links.count_on(uuid_of(team.project_id), uow.now) == 2
