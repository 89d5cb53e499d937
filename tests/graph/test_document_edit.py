"""Edits from outside live sessions: merged into what people write, never over it; versions brought back; differences and
authors."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from resolvers import ids
from tests.graph.test_document_content import read_content, save_version
from tests.support.app import App, Person
from tests.support.graph_actions import codes_and_paths, create_document, mutate, mutate_ok, table_states
from tests.support.teams import SampleTeam, uuid_of
from tests.support.yjs_edits import append_paragraphs

STORY = "# Story\n\nOnce upon a time.\n\nThe end.\n"
DIFF = """
query ($id: ID!, $from: ID, $to: ID) {
  document(id: $id) {
    diff(fromVersionId: $from, toVersionId: $to) {
      from { number } to { number } added removed hunks { op text author { id } }
    }
  }
}
"""


async def edited_text(app: App, person: Person, document: Any, base: int, **fields: Any) -> Any:
    """The text after an edit from outside."""
    payload = await mutate(
        app, person, "documentEdit", "document { content { text position } }", id=document["id"], base=base, **fields
    )
    assert payload["errors"] == []
    return payload["document"]["content"]


async def diff_of(app: App, person: Person, document: Any, **arguments: Any) -> Any:
    """What changed in a document."""
    return (await app.run(person, DIFF, id=document["id"], **arguments))["document"]["diff"]


async def test_a_text_from_outside_is_merged_with_what_others_wrote_since_it_was_read(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    assert await append_paragraphs(app, team.mate, made, "Postscript.") == 2
    text = STORY.replace("upon a time", "in May").replace("Story", "Tale")
    content = await edited_text(app, team.member, made, 1, replaceAll=text)
    assert content == {"text": "# Tale\n\nOnce in May.\n\nThe end.\n\nPostscript.\n", "position": 3}
    assert await read_content(app, team.guest, made) == {"format": "MARKDOWN", "crdt": None, **content}


async def test_text_is_added_and_replaced_wherever_it_stands(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    assert (await edited_text(app, team.member, made, 1, append="Really."))["text"] == f"{STORY}\nReally.\n"
    replaced = await edited_text(app, team.member, made, 0, find="The end", replaceWith="Fine")
    assert replaced == {"text": STORY.replace("The end", "Fine") + "\nReally.\n", "position": 3}


async def test_an_edit_that_changes_nothing_leaves_no_trace(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    before = await table_states(app)
    assert await edited_text(app, team.member, made, 1, replaceAll=STORY) == {"text": STORY, "position": 1}
    assert await table_states(app) == before


async def test_an_edit_is_made_once_however_often_it_is_asked_for(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    given = {"id": made["id"], "base": 1, "find": "Once", "replaceWith": "Twice", "clientMutationId": made["id"]}
    first = await mutate(app, team.member, "documentEdit", **given)
    assert await mutate(app, team.member, "documentEdit", **given) == first
    assert (await read_content(app, team.guest, made))["position"] == 2


async def test_what_cannot_be_an_edit_is_refused_and_nothing_changes(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    before = await table_states(app)
    tried: list[tuple[Person, dict[str, Any], tuple[str, Any]]] = [
        (team.member, {"base": 1}, ("REQUIRED", ["input", "replaceAll"])),
        (team.member, {"base": 1, "append": "a", "replaceAll": "b"}, ("REQUIRED", ["input", "replaceAll"])),
        (team.member, {"base": 1, "find": "a"}, ("REQUIRED", ["input", "replaceWith"])),
        (team.member, {"base": 1, "find": "nowhere", "replaceWith": "b"}, ("INVALID", ["input", "find"])),
        (team.member, {"base": 2, "append": "a"}, ("INVALID", ["input", "base"])),
        (team.member, {"base": -1, "append": "a"}, ("INVALID", ["input", "base"])),
        (team.member, {"base": 1, "append": "x" * 500_001}, ("TOO_LONG", ["input", "append"])),
        (team.guest, {"base": 1, "append": "a"}, ("FORBIDDEN", None)),
        (team.outsider, {"base": 1, "append": "a"}, ("NOT_FOUND", ["input", "id"])),
    ]
    for somebody, given, expected in tried:
        assert codes_and_paths(await mutate(app, somebody, "documentEdit", id=made["id"], **given)) == [expected]
    assert await table_states(app) == before
    await mutate_ok(app, team.member, "documentDelete", id=made["id"])
    for field, given in (("documentEdit", {"base": 1, "append": "a"}), ("documentSaveVersion", {})):
        assert codes_and_paths(await mutate(app, team.member, field, id=made["id"], **given)) == [("INVALID", ["input", "id"])]


async def test_a_text_that_was_read_too_long_ago_must_be_read_again(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team)
    for number in range(3):
        await append_paragraphs(app, team.mate, made, f"{number}.", at=datetime.now(UTC) - timedelta(days=2))
    await save_version(app, team.member, made)
    assert await app.resources.services.compaction.trim_log(uuid_of(made["id"])) == 3
    payload = await mutate(app, team.member, "documentEdit", id=made["id"], base=2, replaceAll="New")
    assert codes_and_paths(payload) == [("INVALID", ["input", "base"])]
    assert (await edited_text(app, team.member, made, 3, replaceAll="New"))["text"] == "New\n"


async def test_a_version_comes_back_as_a_new_edit_and_nothing_of_the_history_goes(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    await edited_text(app, team.mate, made, 1, replaceAll="# Tale\n\n**Bold** words.")
    second = await save_version(app, team.member, made, name="Bold")
    await edited_text(app, team.mate, made, 2, replaceAll="Nothing.")
    payload = await mutate(
        app,
        team.member,
        "documentRestoreVersion",
        "document { content { text position } versions { totalCount } } version { number }",
        id=made["id"],
        versionId=second["id"],
    )
    assert payload["document"] == {
        "content": {"text": "# Tale\n\n**Bold** words.\n", "position": 4},
        "versions": {"totalCount": 2},
    }
    assert payload["version"] == {"number": 2}


@pytest.mark.parametrize("kind", ["SPREADSHEET", "PRESENTATION"])
async def test_sheets_and_slides_are_edited_and_brought_back_too(app: App, team: SampleTeam, kind: str) -> None:
    texts = {
        "SPREADSHEET": ("| a | b |\n| --- | --- |\n| 1 | 2 |\n", "| a | b |\n| --- | --- |\n| 1 | 3 |\n"),
        "PRESENTATION": ("# One\n\n---\n\n# Two\n", "# One\n\n---\n\n# Three\n"),
    }
    old, new = texts[kind]
    made = await create_document(app, team, type=kind, content=old)
    begun = (await read_content(app, team.guest, made))["text"]
    changed = await edited_text(app, team.member, made, 1, replaceAll=new)
    assert changed["text"] != begun
    (first,) = (
        await app.run(team.member, "query ($id: ID!) { document(id: $id) { versions { nodes { id } } } }", id=made["id"])
    )["document"]["versions"]["nodes"]
    await mutate(app, team.member, "documentRestoreVersion", id=made["id"], versionId=first["id"])
    assert (await read_content(app, team.guest, made))["text"] == begun


async def test_only_a_version_of_the_document_comes_back_to_it(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    other = await create_document(app, team, content="Other")
    version = await app.run(team.member, "query ($id: ID!) { document(id: $id) { latestVersion { id } } }", id=other["id"])
    before = await table_states(app)
    for id_ in (version["document"]["latestVersion"]["id"], ids.encode("DocumentVersion", uuid7())):
        payload = await mutate(app, team.member, "documentRestoreVersion", id=made["id"], versionId=id_)
        assert codes_and_paths(payload) == [("NOT_FOUND", ["input", "versionId"])]
    assert await table_states(app) == before


async def test_a_difference_tells_what_came_and_went_and_who_wrote_it(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    first = made["latestVersion"]["id"]
    await edited_text(app, team.mate, made, 1, find="Once", replaceWith="Never")
    second = (await save_version(app, team.owner, made))["id"]
    results = await diff_of(app, team.guest, made, **{"from": first, "to": second})
    assert (results["from"], results["to"]) == ({"number": 1}, {"number": 2})
    assert (results["added"], results["removed"]) == (5, 4)
    changed = [each for each in results["hunks"] if each["op"] != "EQUAL"]
    assert changed == [
        {"op": "DELETE", "text": "Once", "author": None},
        {"op": "INSERT", "text": "Never", "author": {"id": team.mate.id}},
    ]
    back = await diff_of(app, team.guest, made, **{"from": second, "to": first})
    assert (back["added"], back["removed"]) == (4, 5)


async def test_a_difference_begins_with_ones_last_visit_and_ends_now(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    whole = await diff_of(app, team.guest, made)
    assert (whole["from"], whole["to"], whole["removed"]) == (None, {"number": 1}, 0)
    await append_paragraphs(app, team.mate, made, "Seen.")
    await mutate(app, team.guest, "markSeen", subjectId=made["id"])
    await append_paragraphs(app, team.mate, made, "Unseen.")
    news = await diff_of(app, team.guest, made)
    assert [each["text"].strip() for each in news["hunks"] if each["op"] == "INSERT" and each["text"].strip()] == ["Unseen."]
    assert (news["from"], news["to"]) == (None, None)


async def test_a_difference_is_of_versions_of_the_document_only(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content=STORY)
    other = await create_document(app, team, content="Other")
    for id_ in (other["latestVersion"]["id"], ids.encode("DocumentVersion", uuid7())):
        asked: dict[str, Any] = {"id": made["id"], "from": id_}
        answer = await app.execute(team.guest, DIFF, **asked)
        (error,) = answer["errors"]
        assert (error["extensions"]["code"], error["extensions"]["path"]) == ("NOT_FOUND", ["fromVersionId"])


async def test_every_stretch_of_a_text_has_its_author(app: App, team: SampleTeam) -> None:
    made = await create_document(app, team, content="First.")
    await append_paragraphs(app, team.mate, made, "Second.")
    await append_paragraphs(app, team.admin, made, "Third.")
    text = "query ($id: ID!) { document(id: $id) { attribution { start end author { id } editedAt } content(format: TEXT) { text } } }"
    shown = (await app.run(team.guest, text, id=made["id"]))["document"]
    words = shown["content"]["text"]
    results = [(words[each["start"] : each["end"]], each["author"]["id"]) for each in shown["attribution"]]
    assert results == [("First.", team.member.id), ("Second.", team.mate.id), ("Third.", team.admin.id)]
    times = [each["editedAt"] for each in shown["attribution"]]
    assert times == sorted(times)
