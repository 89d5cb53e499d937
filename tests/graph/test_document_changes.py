"""What is told of documents: as changes, in histories, and only to those who may know of them."""

from typing import Any

import pytest

from domain.actor import ALL_SCOPES, Actor, Scope
from tests.app import App, Person
from tests.listening import listening
from tests.people import People
from tests.work import comment, do, document, done, project

FOLLOW = """
query ($after: SyncCursor, $scope: ChangeScope) {
  changes(after: $after, scope: $scope) {
    nodes { kind type entityId fields { field before after } entity { __typename id } } cursor
  }
}
"""
LISTEN = "subscription ($after: SyncCursor) { changes(after: $after) { kind type entityId } }"


async def now(app: App, person: Person) -> str:
    """The cursor of now."""
    cursor: str = (await app.run(person, "{ changes { cursor } }"))["changes"]["cursor"]
    return cursor


async def told(app: App, person: Person, after: str, **scope: Any) -> list[tuple[str, str, str]]:
    """Kind, type and id of what somebody is told since a cursor."""
    asked = {"scope": scope} if scope else {}
    nodes = (await app.run(person, FOLLOW, after=after, **asked))["changes"]["nodes"]
    return [(each["kind"], each["type"], each["entityId"]) for each in nodes]


async def test_all_that_happens_to_a_document_is_told_in_order(app: App, team: People) -> None:
    start = await now(app, team.guest)
    made = await document(app, team, "Page", content="Hello")
    async with listening(app, team.guest, LISTEN, after=start) as ear:
        await done(app, team.member, "documentUpdate", id=made["id"], title="Title")
        await do(app, team.member, "documentSaveVersion", id=made["id"])
        await done(app, team.member, "documentMove", id=made["id"], afterId=None)
        top = await document(app, team, "Top")
        await done(app, team.member, "documentMove", id=made["id"], parentId=top["id"])
        said = await comment(app, team.mate, made, "Fine.")
        await done(app, team.member, "documentDelete", id=made["id"])
        await done(app, team.member, "documentRestore", id=made["id"])
        expected = [("CREATED", "Document", made["id"]), ("UPDATED", "Document", made["id"]), ("UPDATED", "Document", made["id"])]
        expected += [("CREATED", "Document", top["id"]), ("MOVED", "Document", made["id"]), ("COMMENTED", "Comment", said["id"])]
        expected += [("DELETED", "Document", made["id"]), ("RESTORED", "Document", made["id"])]
        assert await told(app, team.guest, start) == expected
        heard = [await ear.next() for _ in expected]
    assert [(each["kind"], each["type"], each["entityId"]) for each in heard] == expected
    assert await told(app, team.guest, start, types=["DOCUMENT"]) == [each for each in expected if each[1] == "Document"]
    assert await told(app, team.guest, start, entityIds=[top["id"]]) == [("CREATED", "Document", top["id"])]
    assert await told(app, team.outsider, await now(app, team.outsider)) == []
    activity = "query ($id: ID!) { document(id: $id) { activity { nodes { kind subject { id } changes { field } } } } }"
    history = (await app.run(team.guest, activity, id=made["id"]))["document"]["activity"]["nodes"]
    assert [each["kind"] for each in history] == [
        *("RESTORED", "DELETED", "COMMENTED", "MOVED", "UPDATED", "UPDATED", "CREATED"),
    ]
    assert {each["subject"]["id"] for each in history} == {made["id"]}


async def test_a_moved_document_is_lost_to_those_who_see_only_where_it_was(app: App, team: People) -> None:
    secret = await project(app, team, "Secret", private_to=[team.member])
    made = await document(app, team)
    starts = {each: await now(app, each) for each in (team.member, team.guest)}
    await done(app, team.member, "documentMove", id=made["id"], projectId=secret)
    assert await told(app, team.guest, starts[team.guest]) == [("ACCESS_LOST", "Document", made["id"])]
    assert await told(app, team.member, starts[team.member]) == [("MOVED", "Document", made["id"])]
    after = await now(app, team.guest)
    await done(app, team.member, "documentUpdate", id=made["id"], title="Hidden")
    assert await told(app, team.guest, after) == []


@pytest.fixture
async def blind(team: People) -> Actor:
    """The member through a token that lends everything but reading documents."""
    return Actor(user_id=team.member.user.id, scopes=ALL_SCOPES - {Scope.DOCUMENTS_READ})


async def test_a_token_without_the_scope_hears_nothing_of_documents_on_any_way(app: App, team: People, blind: Actor) -> None:
    start = await now(app, team.member)
    made = await document(app, team, content="Hello")
    said = await comment(app, team.mate, made, "Fine.")
    whole = await app.run(team.member, FOLLOW, after=start)
    assert [each["type"] for each in whole["changes"]["nodes"]] == ["Document", "Comment"]
    answer = await app.answer(None, FOLLOW, actor=blind, after=start)
    assert answer["data"]["changes"]["nodes"] == []
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await app.answer(None, node, actor=blind, id=said["id"]))["data"] == {"node": None}
    refused = await app.answer(None, node, actor=blind, id=made["id"])
    assert refused["errors"][0]["extensions"] == {"code": "INSUFFICIENT_SCOPE", "scope": "DOCUMENTS_READ"}
    activity = "query ($id: ID!) { project(id: $id) { activity { totalCount nodes { id subject { id } } } } }"
    seen = (await app.run(team.member, activity, id=team.project_id))["project"]["activity"]
    assert [each["subject"]["id"] for each in seen["nodes"][:2]] == [made["id"], made["id"]]
    hidden = (await app.answer(None, activity, actor=blind, id=team.project_id))["data"]["project"]["activity"]
    assert hidden["nodes"] == seen["nodes"][2:]
    assert hidden["totalCount"] == seen["totalCount"] - 2
    entry = seen["nodes"][0]["id"]
    assert (await app.answer(None, node, actor=blind, id=entry))["data"] == {"node": None}


async def test_a_token_that_may_write_but_not_read_documents_says_something_and_watches_nothing(
    app: App, team: People, blind: Actor
) -> None:
    made = await document(app, team)
    text = "mutation ($input: %s!) { %s(input: $input) { errors { code } } }"
    asked = {
        "commentCreate": ("CommentCreateInput", {"subjectId": made["id"], "body": "Aha."}),
        "watchSet": ("WatchSetInput", {"subjectId": made["id"], "watching": True}),
        "markSeen": ("MarkSeenInput", {"subjectId": made["id"]}),
    }
    for field, (kind, given) in asked.items():
        answer = await app.answer(None, text % (kind, field), actor=blind, input=given)
        codes = [each["code"] for each in answer["data"][field]["errors"]]
        assert codes == ([] if field == "commentCreate" else ["FORBIDDEN"])
