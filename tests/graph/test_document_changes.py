"""What is told of documents: as changes, in histories, and only to those who may know of them."""

from typing import Any

import pytest

from domain.actor import ALL_SCOPES, Actor, Scope
from tests.support.app import App, Person
from tests.support.graph_actions import create_comment, create_document, create_project, mutate, mutate_ok
from tests.support.subscriptions import open_subscription
from tests.support.teams import SampleTeam

DOCUMENT_CHANGES_QUERY = """
query ($after: SyncCursor, $scope: ChangeScope) {
  changes(after: $after, scope: $scope) {
    nodes { kind type entityId fields { field before after } entity { __typename id } } cursor
  }
}
"""
DOCUMENT_CHANGES_SUBSCRIPTION = "subscription ($after: SyncCursor) { changes(after: $after) { kind type entityId } }"


async def current_cursor(app: App, person: Person) -> str:
    """The cursor of now."""
    cursor: str = (await app.run(person, "{ changes { cursor } }"))["changes"]["cursor"]
    return cursor


async def changes_since(app: App, person: Person, after: str, **scope: Any) -> list[tuple[str, str, str]]:
    """Kind, type and id of what somebody is told since a cursor."""
    asked = {"scope": scope} if scope else {}
    nodes = (await app.run(person, DOCUMENT_CHANGES_QUERY, after=after, **asked))["changes"]["nodes"]
    return [(each["kind"], each["type"], each["entityId"]) for each in nodes]


async def test_all_that_happens_to_a_document_is_reported_in_order(app: App, team: SampleTeam) -> None:
    start = await current_cursor(app, team.guest)
    made = await create_document(app, team, "Page", content="Hello")
    async with open_subscription(app, team.guest, DOCUMENT_CHANGES_SUBSCRIPTION, after=start) as ear:
        await mutate_ok(app, team.member, "documentUpdate", id=made["id"], title="Title")
        await mutate(app, team.member, "documentSaveVersion", id=made["id"])
        await mutate_ok(app, team.member, "documentMove", id=made["id"], afterId=None)
        top = await create_document(app, team, "Top")
        await mutate_ok(app, team.member, "documentMove", id=made["id"], parentId=top["id"])
        said = await create_comment(app, team.mate, made, "Fine.")
        await mutate_ok(app, team.member, "documentDelete", id=made["id"])
        await mutate_ok(app, team.member, "documentRestore", id=made["id"])
        expected = [("CREATED", "Document", made["id"]), ("UPDATED", "Document", made["id"]), ("UPDATED", "Document", made["id"])]
        expected += [("CREATED", "Document", top["id"]), ("MOVED", "Document", made["id"]), ("COMMENTED", "Comment", said["id"])]
        expected += [("DELETED", "Document", made["id"]), ("RESTORED", "Document", made["id"])]
        assert await changes_since(app, team.guest, start) == expected
        received = [await ear.next_change() for _ in expected]
    assert [(each["kind"], each["type"], each["entityId"]) for each in received] == expected
    assert await changes_since(app, team.guest, start, types=["DOCUMENT"]) == [each for each in expected if each[1] == "Document"]
    assert await changes_since(app, team.guest, start, entityIds=[top["id"]]) == [("CREATED", "Document", top["id"])]
    assert await changes_since(app, team.outsider, await current_cursor(app, team.outsider)) == []
    activity = "query ($id: ID!) { document(id: $id) { activity { nodes { kind subject { id } changes { field } } } } }"
    history = (await app.run(team.guest, activity, id=made["id"]))["document"]["activity"]["nodes"]
    assert [each["kind"] for each in history] == [
        *("RESTORED", "DELETED", "COMMENTED", "MOVED", "UPDATED", "UPDATED", "CREATED"),
    ]
    assert {each["subject"]["id"] for each in history} == {made["id"]}


async def test_a_moved_document_is_lost_to_those_who_see_only_where_it_was(app: App, team: SampleTeam) -> None:
    secret = await create_project(app, team, "Secret", private_to=[team.member])
    made = await create_document(app, team)
    starts = {each: await current_cursor(app, each) for each in (team.member, team.guest)}
    await mutate_ok(app, team.member, "documentMove", id=made["id"], projectId=secret)
    assert await changes_since(app, team.guest, starts[team.guest]) == [("ACCESS_LOST", "Document", made["id"])]
    assert await changes_since(app, team.member, starts[team.member]) == [("MOVED", "Document", made["id"])]
    after = await current_cursor(app, team.guest)
    await mutate_ok(app, team.member, "documentUpdate", id=made["id"], title="Hidden")
    assert await changes_since(app, team.guest, after) == []


@pytest.fixture
async def actor_without_documents(team: SampleTeam) -> Actor:
    """The member through a token that lends everything but reading documents."""
    return Actor(user_id=team.member.user.id, scopes=ALL_SCOPES - {Scope.DOCUMENTS_READ})


async def test_a_token_without_the_scope_receives_nothing_of_documents_on_any_way(
    app: App, team: SampleTeam, actor_without_documents: Actor
) -> None:
    start = await current_cursor(app, team.member)
    made = await create_document(app, team, content="Hello")
    said = await create_comment(app, team.mate, made, "Fine.")
    whole = await app.run(team.member, DOCUMENT_CHANGES_QUERY, after=start)
    assert [each["type"] for each in whole["changes"]["nodes"]] == ["Document", "Comment"]
    answer = await app.execute(None, DOCUMENT_CHANGES_QUERY, actor=actor_without_documents, after=start)
    assert answer["data"]["changes"]["nodes"] == []
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await app.execute(None, node, actor=actor_without_documents, id=said["id"]))["data"] == {"node": None}
    refused = await app.execute(None, node, actor=actor_without_documents, id=made["id"])
    assert refused["errors"][0]["extensions"] == {"code": "INSUFFICIENT_SCOPE", "scope": "DOCUMENTS_READ"}
    activity = "query ($id: ID!) { project(id: $id) { activity { totalCount nodes { id subject { id } } } } }"
    seen = (await app.run(team.member, activity, id=team.project_id))["project"]["activity"]
    assert [each["subject"]["id"] for each in seen["nodes"][:2]] == [made["id"], made["id"]]
    hidden = (await app.execute(None, activity, actor=actor_without_documents, id=team.project_id))["data"]["project"]["activity"]
    assert hidden["nodes"] == seen["nodes"][2:]
    assert hidden["totalCount"] == seen["totalCount"] - 2
    entry = seen["nodes"][0]["id"]
    assert (await app.execute(None, node, actor=actor_without_documents, id=entry))["data"] == {"node": None}


async def test_a_token_that_may_write_but_not_read_documents_says_something_and_watches_nothing(
    app: App, team: SampleTeam, actor_without_documents: Actor
) -> None:
    made = await create_document(app, team)
    text = "mutation ($input: %s!) { %s(input: $input) { errors { code } } }"
    asked = {
        "commentCreate": ("CommentCreateInput", {"subjectId": made["id"], "body": "Aha."}),
        "watchSet": ("WatchSetInput", {"subjectId": made["id"], "watching": True}),
        "markSeen": ("MarkSeenInput", {"subjectId": made["id"]}),
    }
    for field, (kind, given) in asked.items():
        answer = await app.execute(None, text % (kind, field), actor=actor_without_documents, input=given)
        codes = [each["code"] for each in answer["data"][field]["errors"]]
        assert codes == ([] if field == "commentCreate" else ["FORBIDDEN"])
