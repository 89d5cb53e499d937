"""What documents say: at the beginning, while people write, and in versions."""

import base64
from typing import Any

from content import crdt
from domain.document import ContentFormat, DocumentType
from persistence.documents.rendering import render
from tests.support.app import App, Person
from tests.support.graph_actions import codes_and_paths, create_document, mutate, mutate_ok, table_states
from tests.support.teams import SampleTeam
from tests.support.uploads import upload_file
from tests.support.yjs_edits import append_paragraphs

READ = """
query ($id: ID!, $format: ContentFormat) {
  document(id: $id) { content(format: $format) { format text crdt position } preview latestVersion { number } }
}
"""
VERSIONS = """
query ($id: ID!, $namedOnly: Boolean) {
  document(id: $id) {
    versions(namedOnly: $namedOnly) {
      totalCount
      nodes {
        number name changeSummary createdBy { id } contributors { id } byteSize
        content { text position } html: content(format: HTML) { text }
      }
    }
  }
}
"""
STORY = "# Story\n\nOnce *upon* a time.\n"


async def read_content(app: App, person: Person, document: Any, format_: str | None = None) -> Any:
    """The content of a document."""
    asked = {} if format_ is None else {"format": format_}
    return (await app.run(person, READ, id=document["id"], **asked))["document"]["content"]


async def list_versions(app: App, person: Person, document: Any, **arguments: Any) -> Any:
    """The versions of a document, the newest first."""
    return (await app.run(person, VERSIONS, id=document["id"], **arguments))["document"]["versions"]["nodes"]


async def save_version(app: App, person: Person, document: Any, **fields: Any) -> Any:
    """A saved version."""
    payload = await mutate(app, person, "documentSaveVersion", "version { id number name }", id=document["id"], **fields)
    assert payload["errors"] == []
    return payload["version"]


async def test_a_document_says_what_it_was_begun_with_in_every_form(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    assert made["preview"] == "Story Once upon a time."
    assert made["latestVersion"]["number"] == 1
    assert await read_content(app, team.guest, made) == {"format": "MARKDOWN", "text": STORY, "crdt": None, "position": 1}
    results = {each: (await read_content(app, team.guest, made, each))["text"] for each in ("TEXT", "HTML")}
    assert results == {"TEXT": "Story\nOnce upon a time.\n", "HTML": "<h1>Story</h1><p>Once <em>upon</em> a time.</p>"}
    assert '"type":"heading"' in (await read_content(app, team.guest, made, "JSON"))["text"]
    held = base64.b64decode((await read_content(app, team.guest, made, "CRDT"))["crdt"])
    assert render(DocumentType.TEXT, held, (), ContentFormat.MARKDOWN) == STORY
    assert crdt.state(crdt.load(held)) != crdt.EMPTY


async def test_whoever_reads_again_is_told_what_was_edited_since(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    expected = STORY
    for added in ("One.", "Two."):
        position = await append_paragraphs(app, team.mate, made, added)
        expected += f"\n{added}\n"
        read = [await read_content(app, person, made, "CRDT") for person in (team.member, team.guest)]
        assert read[0] == read[1]
        assert (read[0]["position"], read[0]["text"]) == (position, None)
        assert render(DocumentType.TEXT, base64.b64decode(read[0]["crdt"]), (), ContentFormat.MARKDOWN) == expected
        assert (await read_content(app, team.guest, made))["text"] == expected


async def test_a_document_that_nobody_wrote_in_is_empty_at_position_0(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team)
    assert await read_content(app, team.guest, made) == {"format": "MARKDOWN", "text": "", "crdt": None, "position": 0}
    assert (await read_content(app, team.guest, made, "CRDT"))["crdt"] == base64.b64encode(crdt.EMPTY).decode()
    assert await app.run(team.outsider, READ, id=made["id"]) == {"document": None}


async def test_content_is_as_new_as_the_last_edit(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    await append_paragraphs(app, team.mate, made, "The end.")
    assert await read_content(app, team.member, made) == {
        "format": "MARKDOWN",
        "text": f"{STORY}\nThe end.\n",
        "crdt": None,
        "position": 2,
    }
    empty = await create_document(app, team)
    assert await append_paragraphs(app, team.mate, empty, "Hello") == 1
    assert (await read_content(app, team.member, empty))["text"] == "Hello\n"


async def test_versions_hold_what_was_said_and_who_wrote_it(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    await append_paragraphs(app, team.mate, made, "Middle.")
    await append_paragraphs(app, team.admin, made, "The end.")
    saved = await save_version(app, team.owner, made, name="Draft", changeSummary="An end.")
    assert (saved["number"], saved["name"]) == (2, "Draft")
    await append_paragraphs(app, team.mate, made, "Or not.")
    second, first = await list_versions(app, team.guest, made)
    assert (second["number"], second["name"], second["changeSummary"]) == (2, "Draft", "An end.")
    assert second["createdBy"] == {"id": team.owner.id}
    assert [each["id"] for each in second["contributors"]] == sorted(
        [team.mate.id, team.admin.id], key=lambda each: base64.b64decode(each)
    )
    assert second["content"] == {"text": f"{STORY}\nMiddle.\n\nThe end.\n", "position": 3}
    assert first["content"] == {"text": STORY, "position": 1}
    assert first["html"]["text"].startswith("<h1>Story</h1>")
    assert first["contributors"] == [{"id": team.member.id}]
    assert second["byteSize"] > first["byteSize"] > len(STORY)
    assert [each["number"] for each in await list_versions(app, team.guest, made, namedOnly=True)] == [2]
    assert (await read_content(app, team.member, made))["position"] == 4


async def test_a_saved_version_is_reported_and_is_no_conflict_for_a_title(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    cursor = (await app.run(team.mate, "{ changes { cursor } }"))["changes"]["cursor"]
    await save_version(app, team.member, made, name="Draft")
    follow = "query ($after: SyncCursor) { changes(after: $after) { nodes { kind type entityId fields { field } } } }"
    (results,) = (await app.run(team.mate, follow, after=cursor))["changes"]["nodes"]
    assert (results["kind"], results["type"], results["entityId"]) == ("UPDATED", "Document", made["id"])
    assert [each["field"] for each in results["fields"]] == ["latestVersionId", "latestNumber"]
    named = await mutate_ok(app, team.member, "documentUpdate", id=made["id"], title="New", expectedVersion=made["version"])
    assert named["title"] == "New"


async def test_a_version_is_an_object_of_its_own_and_its_contents_can_be_downloaded(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    saved = await save_version(app, team.member, made)
    text = "query ($id: ID!) { node(id: $id) { ... on DocumentVersion { number downloadUrl html: downloadUrl(format: HTML) } } }"
    shown = (await app.run(team.guest, text, id=saved["id"]))["node"]
    assert (shown["number"], shown["html"]) == (2, None)
    assert shown["downloadUrl"].startswith("http")
    assert await app.run(team.outsider, text, id=saved["id"]) == {"node": None}


async def test_who_may_not_write_saves_no_version_and_stores_nothing(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    before = await table_states(app)
    objects = [each.key async for each in app.resources.services.blobs.find("documents/")]
    tried = [(team.guest, "FORBIDDEN", None), (team.outsider, "NOT_FOUND", ["input", "id"])]
    for somebody, code, path in tried:
        assert codes_and_paths(await mutate(app, somebody, "documentSaveVersion", id=made["id"])) == [(code, path)]
        given = {"projectId": team.project_id, "title": "Mine", "content": "Words."}
        payload = await mutate(app, somebody, "documentCreate", **given)
        assert [each for each, _ in codes_and_paths(payload)] == [code]
    too_long = await mutate(app, team.member, "documentCreate", projectId=team.project_id, title="Long", content="x" * 500_001)
    assert codes_and_paths(too_long) == [("TOO_LONG", ["input", "content"])]
    assert await table_states(app) == before
    assert [each.key async for each in app.resources.services.blobs.find("documents/")] == objects


async def test_a_repeated_call_is_answered_and_stores_nothing_again(app: App, team: SampleTeam) -> None:
    given = {"projectId": team.project_id, "title": "Once", "content": STORY, "clientMutationId": f"once-{team.project_id}"}
    first = await mutate(app, team.member, "documentCreate", **given)
    objects = [each.key async for each in app.resources.services.blobs.find("documents/")]
    assert await mutate(app, team.member, "documentCreate", **given) == first
    assert [each.key async for each in app.resources.services.blobs.find("documents/")] == objects
    other = await mutate(app, team.member, "documentCreate", **(given | {"title": "Twice"}))
    assert codes_and_paths(other) == [("IDEMPOTENCY_MISMATCH", ["input", "clientMutationId"])]


async def test_a_page_of_contents_takes_two_statements_more(app: App, team: SampleTeam) -> None:
    for number in range(10):
        made = await create_document(app, team, content=f"Number {number}")
        if number % 2:
            await append_paragraphs(app, team.mate, made, "More.")
    text = "query ($id: ID!) { project(id: $id) { documents { nodes { id %s } } } }"
    _, without = await app.count_statements(team.member, text % "", id=team.project_id)
    data, taken = await app.count_statements(team.member, text % "content { text position }", id=team.project_id)
    assert taken - without == 2
    assert data["project"]["documents"]["nodes"][3]["content"] == {"text": "Number 3\n\nMore.\n", "position": 2}
    relations = {
        "latestVersion { number createdBy { id } contributors { id } }": 3,
        "versions(first: 2) { nodes { number } }": 1,
        "project { name } owner { displayName } parent { id } children { nodes { id } }": 3,
        "viewerCan comments { totalCount } watchers { totalCount } viewerIsWatching viewerUnread { changeCount }": 7,
    }
    for selection, expected in relations.items():
        _, taken = await app.count_statements(team.member, text % selection, id=team.project_id)
        assert (selection, taken - without) == (selection, expected)


async def test_a_document_begins_with_a_file_that_was_uploaded(app: App, team: SampleTeam) -> None:
    note = await upload_file(app, team.member, STORY.replace("\n", "\r\n").encode("utf-8-sig"))
    made = await create_document(app, team, uploadId=note["id"])
    assert (await read_content(app, team.guest, made))["text"] == STORY
    sheet = await create_document(
        app, team, type="SPREADSHEET", uploadId=(await upload_file(app, team.member, b"a,b\n1,2\n"))["id"]
    )
    assert (await read_content(app, team.guest, sheet, "TEXT"))["text"] == "a\tb\n1\t2\n"
    binary = await upload_file(app, team.member, b"\xff\xfe\x00", contentType="application/octet-stream")
    before = await table_states(app)
    tried: list[tuple[Person, dict[str, Any], str]] = [
        (team.mate, {"uploadId": note["id"]}, "NOT_FOUND"),
        (team.member, {"uploadId": binary["id"]}, "INVALID"),
        (team.member, {"uploadId": note["id"], "content": "Both."}, "INVALID"),
    ]
    for somebody, given, code in tried:
        payload = await mutate(app, somebody, "documentCreate", projectId=team.project_id, title="New", **given)
        assert codes_and_paths(payload) == [(code, ["input", "uploadId"])]
    assert await table_states(app) == before
