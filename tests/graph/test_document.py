"""Documents: beginning, naming, nesting, moving, putting away and bringing back."""

from typing import Any

from uuid_utils.compat import uuid7

from resolvers import ids
from tests.graph.test_changes_scope import create_second_team
from tests.support.app import App, Person
from tests.support.graph_actions import (
    DOCUMENT_FIELDS,
    codes_and_paths,
    create_comment,
    create_document,
    create_project,
    create_task,
    mutate,
    mutate_ok,
    table_states,
)
from tests.support.teams import SampleTeam, uuid_of

DOCUMENTS_QUERY = """
query ($id: ID!, $filter: DocumentFilter, $orderBy: [DocumentOrder!]) {
  project(id: $id) { documents(filter: $filter, orderBy: $orderBy) { nodes { title } totalCount } }
}
"""


async def fetch_document(app: App, person: Person, document_id: str, selection: str = DOCUMENT_FIELDS) -> Any:
    """A document as somebody sees it; None where he doesn't."""
    return (await app.run(person, f"query ($id: ID!) {{ document(id: $id) {{ {selection} }} }}", id=document_id))["document"]


async def document_titles(app: App, person: Person, project_id: str, **arguments: Any) -> list[str]:
    """The titles of a project's documents, by rank unless asked otherwise."""
    found = await app.run(person, DOCUMENTS_QUERY, id=project_id, **arguments)
    return [each["title"] for each in found["project"]["documents"]["nodes"]]


async def test_a_new_document_is_empty_and_the_last_of_its_project(app: App, team: SampleTeam) -> None:
    await create_document(app, team, "First")
    id_ = str(uuid7())
    made = await create_document(app, team, "  Second ", id=id_, type="SPREADSHEET")
    assert uuid_of(made["id"]) == uuid_of(ids.encode("Document", uuid_of(made["id"])))
    assert str(uuid_of(made["id"])) == id_
    assert made == {
        "id": made["id"],
        "version": 1,
        "title": "Second",
        "type": "SPREADSHEET",
        "rank": made["rank"],
        "preview": None,
        "deletedAt": None,
        "owner": {"id": team.member.id},
        "parent": None,
        "project": {"id": team.project_id},
        "latestVersion": None,
    }
    assert await fetch_document(app, team.guest, made["id"]) == made
    assert await fetch_document(app, team.outsider, made["id"]) is None
    assert await document_titles(app, team.mate, team.project_id) == ["First", "Second"]


async def test_what_cannot_be_a_document_is_refused_and_nothing_changes(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team)
    job = await create_task(app, team)
    before = await table_states(app)
    tried: list[tuple[dict[str, Any], str, str]] = [
        ({"title": " "}, "REQUIRED", "title"),
        ({"title": "x" * 501}, "TOO_LONG", "title"),
        ({"id": str(uuid_of(made["id"]))}, "NOT_UNIQUE", "id"),
        ({"id": str(uuid_of(job["id"]))}, "NOT_UNIQUE", "id"),
        ({"parentId": ids.encode("Document", uuid7())}, "NOT_FOUND", "parentId"),
        ({"parentId": job["id"]}, "INVALID", "parentId"),
    ]
    for given, code, field in tried:
        payload = await mutate(app, team.member, "documentCreate", **({"projectId": team.project_id, "title": "Page"} | given))
        assert codes_and_paths(payload) == [(code, ["input", field])]
        assert payload["document"] is None
    assert await table_states(app) == before


async def test_a_title_changes_with_the_version_that_was_read(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, "Draft")
    named = await mutate_ok(app, team.mate, "documentUpdate", id=made["id"], title="Final", expectedVersion=1)
    assert (named["title"], named["version"]) == ("Final", 2)
    payload = await mutate(app, team.member, "documentUpdate", id=made["id"], title="Mine", expectedVersion=1)
    assert payload["errors"][0]["current"] == {"id": made["id"], "version": 2}
    assert await fetch_document(app, team.member, made["id"]) == named


async def test_documents_lie_under_others_in_no_circle_and_not_too_deep(app: App, team: SampleTeam) -> None:
    top = await create_document(app, team, "1")
    chain = [top]
    for level in range(2, 11):
        chain.append(await create_document(app, team, str(level), parentId=chain[-1]["id"]))
    payload = await mutate(app, team.member, "documentCreate", projectId=team.project_id, title="11", parentId=chain[-1]["id"])
    assert codes_and_paths(payload) == [("LIMIT_EXCEEDED", ["input", "parentId"])]
    payload = await mutate(app, team.member, "documentMove", id=top["id"], parentId=chain[3]["id"])
    assert codes_and_paths(payload) == [("CYCLE", ["input", "parentId"])]
    moved = await mutate_ok(app, team.member, "documentMove", id=chain[5]["id"], parentId=None)
    assert moved["parent"] is None
    below = await fetch_document(
        app, team.guest, top["id"], "children { nodes { title children { nodes { title } } } totalCount }"
    )
    assert below == {"children": {"nodes": [{"title": "2", "children": {"nodes": [{"title": "3"}]}}], "totalCount": 1}}


async def test_a_document_moves_to_a_place(app: App, team: SampleTeam) -> None:
    a, b, c = [await create_document(app, team, title) for title in "abc"]
    await mutate_ok(app, team.member, "documentMove", id=c["id"], afterId=a["id"])
    assert await document_titles(app, team.mate, team.project_id) == ["a", "c", "b"]
    await mutate_ok(app, team.member, "documentMove", id=b["id"], afterId=None)
    assert await document_titles(app, team.mate, team.project_id) == ["b", "a", "c"]
    before = await table_states(app)
    payload = await mutate(app, team.member, "documentMove", id=b["id"], afterId=b["id"])
    assert codes_and_paths(payload) == [("INVALID", ["input", "afterId"])]
    payload = await mutate(app, team.member, "documentMove", id=b["id"], afterId=ids.encode("Document", uuid7()))
    assert codes_and_paths(payload) == [("NOT_FOUND", ["input", "afterId"])]
    assert await table_states(app) == before


async def test_a_document_takes_what_lies_below_to_another_project_where_those_who_may_not_see_it_lose_it(
    app: App, team: SampleTeam
) -> None:
    secret = await create_project(app, team, "Secret", private_to=[team.member])
    top = await create_document(app, team, "top")
    inner = await create_document(app, team, "inner", parentId=top["id"])
    said = await create_comment(app, team.guest, inner, "So it is.")
    moved = await mutate_ok(app, team.member, "documentMove", id=top["id"], projectId=secret)
    assert (moved["project"], moved["parent"]) == ({"id": secret}, None)
    assert await document_titles(app, team.member, secret) == ["top", "inner"]
    assert await fetch_document(app, team.guest, inner["id"]) is None
    assert await app.run(team.guest, "query ($id: ID!) { node(id: $id) { id } }", id=said["id"]) == {"node": None}
    shown = await fetch_document(app, team.member, inner["id"], "parent { title } comments { nodes { body subject { id } } }")
    assert shown == {"parent": {"title": "top"}, "comments": {"nodes": [{"body": "So it is.", "subject": {"id": inner["id"]}}]}}


async def test_a_document_moves_to_a_project_of_another_team(app: App, team: SampleTeam) -> None:
    other = await create_second_team(app, team)
    made = await create_document(app, team, "Travels")
    await mutate_ok(app, team.member, "documentMove", id=made["id"], projectId=other.project_id)
    assert await document_titles(app, team.member, other.project_id) == ["Travels"]
    assert await fetch_document(app, team.guest, made["id"]) is None
    payload = await mutate(app, team.mate, "documentMove", id=made["id"], projectId=team.outsider.id)
    assert codes_and_paths(payload) == [("INVALID", ["input", "projectId"])]


async def test_deleted_documents_come_back_with_what_went_with_them(app: App, team: SampleTeam) -> None:
    top = await create_document(app, team, "top")
    inner = await create_document(app, team, "inner", parentId=top["id"])
    gone = await create_document(app, team, "gone before", parentId=top["id"])
    await mutate_ok(app, team.member, "documentDelete", id=gone["id"])
    await mutate_ok(app, team.member, "documentDelete", id=top["id"])
    assert await document_titles(app, team.member, team.project_id) == []
    assert await document_titles(app, team.member, team.project_id, filter={"includeDeleted": True}) == [
        "top",
        "inner",
        "gone before",
    ]
    assert codes_and_paths(await mutate(app, team.member, "documentRestore", id=inner["id"])) == [("INVALID", ["input", "id"])]
    assert codes_and_paths(await mutate(app, team.guest, "documentRestore", id=top["id"])) == [("FORBIDDEN", None)]
    assert codes_and_paths(await mutate(app, team.guest, "commentCreate", subjectId=top["id"], body="Why?")) == [
        ("INVALID", ["input", "subjectId"])
    ]
    restored = await mutate_ok(app, team.member, "documentRestore", id=top["id"])
    assert restored["deletedAt"] is None
    assert await document_titles(app, team.member, team.project_id) == ["top", "inner"]


async def test_lists_are_filtered_and_sorted(app: App, team: SampleTeam) -> None:
    b = await create_document(app, team, "b", type="PRESENTATION")
    await create_document(app, team, "a", by=team.mate, parentId=b["id"])
    await create_document(app, team, "c")
    asked: list[tuple[dict[str, Any], list[str]]] = [
        ({"filter": {"type": "PRESENTATION"}}, ["b"]),
        ({"filter": {"owner": {"eq": team.mate.id}}}, ["a"]),
        ({"filter": {"parent": {"isNull": True}}}, ["b", "c"]),
        ({"filter": {"title": {"contains": "A"}}}, ["a"]),
        ({"orderBy": [{"field": "TITLE"}]}, ["a", "b", "c"]),
        ({"orderBy": [{"field": "CREATED_AT", "direction": "DESC"}]}, ["c", "a", "b"]),
    ]
    for given, expected in asked:
        assert await document_titles(app, team.guest, team.project_id, **given) == expected
    whole = await app.run(team.guest, "{ documents { totalCount nodes { title } } }")
    assert whole == {"documents": {"totalCount": 3, "nodes": [{"title": "c"}, {"title": "a"}, {"title": "b"}]}}
    assert await app.run(team.outsider, "{ documents { totalCount } }") == {"documents": {"totalCount": 0}}


async def test_people_discuss_watch_and_have_seen_documents(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, "Plan")
    await mutate(app, team.guest, "watchSet", subjectId=made["id"], watching=True)
    await create_comment(app, team.mate, made, "Fine.")
    gives = "viewerIsWatching viewerUnread { changeCount commentCount } watchers { nodes { id } } comments { totalCount }"
    shown = await fetch_document(app, team.member, made["id"], gives)
    assert shown == {
        "viewerIsWatching": True,
        "viewerUnread": {"changeCount": 1, "commentCount": 1},
        "watchers": {"nodes": [{"id": each.id} for each in (team.guest, team.mate, team.member)]},
        "comments": {"totalCount": 1},
    }
    await mutate(app, team.member, "markSeen", subjectId=made["id"])
    assert (await fetch_document(app, team.member, made["id"], "viewerUnread { changeCount }"))["viewerUnread"] is None


async def test_what_one_may_do_with_a_document_follows_from_their_role(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team)
    everything_ = ["READ", "COMMENT", "CREATE", "UPDATE", "MOVE", "DELETE"]
    can = {
        each: (await fetch_document(app, each, made["id"], "viewerCan"))["viewerCan"]
        for each in (team.owner, team.member, team.guest)
    }
    assert list(can.values()) == [everything_, everything_, ["READ", "COMMENT"]]
    await mutate_ok(app, team.owner, "projectUpdate", id=team.project_id, status="ARCHIVED")
    assert (await fetch_document(app, team.owner, made["id"], "viewerCan"))["viewerCan"] == ["READ"]
    before = await table_states(app)
    assert codes_and_paths(await mutate(app, team.owner, "documentUpdate", id=made["id"], title="Late")) == [("FORBIDDEN", None)]
    assert await table_states(app) == before


async def test_a_comment_is_pinned_to_text_that_is_found_again_until_it_is_gone(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content="The cat sat. The dog sat.")
    said = await create_comment(app, team.guest, made, "Who?", anchor={"quote": "sat", "prefix": "dog "})
    text = "query ($id: ID!) { node(id: $id) { ... on Comment { anchor { quote start end } } } }"

    async def anchored() -> Any:
        return (await app.run(team.guest, text, id=said["id"]))["node"]["anchor"]

    assert await anchored() == {"quote": "sat", "start": 21, "end": 24}
    edit = {"id": made["id"], "base": 1}
    await mutate(app, team.member, "documentEdit", **edit, find="The cat sat", replaceWith="A cat sat down")
    assert await anchored() == {"quote": "sat", "start": 24, "end": 27}
    await mutate(app, team.member, "documentEdit", **edit, find="sat", replaceWith="stood")
    assert await anchored() is None
    job = await create_task(app, team)
    before = await table_states(app)
    for subject, quote, path in ((job, "sat", ["anchor"]), (made, "ran", ["anchor", "quote"])):
        given = {"subjectId": subject["id"], "body": "Where?", "anchor": {"quote": quote}}
        assert codes_and_paths(await mutate(app, team.member, "commentCreate", **given)) == [("INVALID", ["input", *path])]
    given = {"subjectId": made["id"], "body": "Mine?", "anchor": {"quote": "dog"}}
    assert codes_and_paths(await mutate(app, team.outsider, "commentCreate", **given)) == [("NOT_FOUND", ["input", "subjectId"])]
    assert await table_states(app) == before


async def test_offsets_count_as_strings_of_javascript_do(app: App, team: SampleTeam) -> None:
    said = "😀😀 hello world"
    made = await create_document(app, team, content=said)
    pinned = await mutate_ok(app, team.member, "commentCreate", subjectId=made["id"], body="x", anchor={"quote": "hello"})
    query = """
      query ($id: ID!, $comment: ID!) {
        node(id: $comment) { ... on Comment { anchor { start end } } }
        document(id: $id) { content(format: TEXT) { text } attribution { start end } }
      }
    """
    found = await app.run(team.guest, query, id=made["id"], comment=pinned["id"])
    units = found["document"]["content"]["text"].encode("utf-16-le")
    anchor = found["node"]["anchor"]
    assert units[2 * anchor["start"] : 2 * anchor["end"]].decode("utf-16-le") == "hello"
    (stretch,) = found["document"]["attribution"]
    assert units[2 * stretch["start"] : 2 * stretch["end"]].decode("utf-16-le").strip() == said


async def test_a_comment_on_text_that_is_gone_does_not_move_to_the_same_word_elsewhere(app: App, team: SampleTeam) -> None:
    rest = "A long paragraph without that word, so that nothing is near.\n\nGamma: feed the cat.\n"
    made = await create_document(app, team, content=f"Alpha: ship the rocket.\n\n{rest}")
    anchor = {"quote": "the", "suffix": " rocket"}
    pinned = await mutate_ok(app, team.member, "commentCreate", subjectId=made["id"], body="Why this one?", anchor=anchor)
    await mutate_ok(app, team.member, "documentEdit", id=made["id"], base=1, replaceAll=rest)
    query = "query ($id: ID!) { node(id: $id) { ... on Comment { anchor { start } } } }"
    assert await app.run(team.member, query, id=pinned["id"]) == {"node": {"anchor": None}}
