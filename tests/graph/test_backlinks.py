"""What links to a document: in tasks, comments and other documents, as each of its readers may know it."""

from typing import Any
from uuid import UUID

from domain.actor import ALL_SCOPES, Actor, Scope
from persistence.documents.reindex import reindex
from resolvers import ids
from tests.app import App, Person
from tests.people import People, settle, uuid_of
from tests.storing import archive
from tests.work import comment, do, document, done, everything, project, task
from tests.writing import write

BACKLINKS = """
query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  document(id: $id) {
    backlinks(first: $first, after: $after, last: $last, before: $before) {
      totalCount pageInfo { hasNextPage hasPreviousPage }
      edges { cursor node { __typename id ... on Task { key title } ... on Document { title type } } }
      nodes { viewerIsWatching }
    }
  }
}
"""


def link(to: Any, title: str = "Plan") -> str:
    """A link as a picker writes it."""
    return f"See [{title}](document:{to['id']})."


def address(to: Any) -> str:
    """Where people open a document."""
    return f"https://hive.example.com/team/documents/{uuid_of(to['id'])}?tab=1"


async def read(app: App, person: Person | None, to: Any, *, actor: Actor | None = None, **page: Any) -> Any:
    """A page of a document's backlinks."""
    if person is None:
        return (await app.answer(None, BACKLINKS, actor=actor, id=to["id"], **page))["data"]["document"]["backlinks"]
    return (await app.run(person, BACKLINKS, id=to["id"], **page))["document"]["backlinks"]


async def linking(app: App, person: Person, to: Any) -> list[str]:
    """The titles of what links to a document."""
    found = await read(app, person, to)
    assert found["totalCount"] == len(found["edges"])
    return [each["node"]["title"] for each in found["edges"]]


async def test_tasks_comments_and_documents_that_link_to_a_document_are_its_backlinks(app: App, team: People) -> None:
    plan = await document(app, team, "Plan")
    by_id = await task(app, team, "By id", description=link(plan))
    by_address = await task(app, team, "By address", description=f"At {address(plan)}, they say.")
    discussed = await task(app, team, "Discussed", description="Nothing here.")
    await comment(app, team.guest, discussed, link(plan))
    await comment(app, team.guest, discussed, link(plan, "again"))
    page = await document(app, team, "Page", content=f"# Page\n\n- {link(plan)}\n- {link(plan)}")
    read_too = await document(app, team, "Read too")
    await comment(app, team.mate, read_too, f"<{address(plan)}>")
    found = await read(app, team.guest, plan)
    assert [each["node"] for each in found["edges"]] == [
        {"__typename": "Document", "id": read_too["id"], "title": "Read too", "type": "TEXT"},
        {"__typename": "Document", "id": page["id"], "title": "Page", "type": "TEXT"},
        *({"__typename": "Task", "id": each["id"], "key": each["key"], "title": each["title"]}
          for each in (discussed, by_address, by_id)),
    ]  # fmt: skip
    assert found["totalCount"] == 5
    assert [each["viewerIsWatching"] for each in found["nodes"]] == [False, False, True, False, False]
    assert await linking(app, team.member, page) == []


async def test_pages_go_on_from_a_cursor_in_both_directions(app: App, team: People) -> None:
    plan = await document(app, team, "Plan")
    for number in range(3):
        await task(app, team, f"Task {number}", description=link(plan))
        await document(app, team, f"Page {number}", content=link(plan))
    whole = ["Page 2", "Task 2", "Page 1", "Task 1", "Page 0", "Task 0"]
    got: list[str] = []
    after = None
    while True:
        page = await read(app, team.mate, plan, first=4, after=after)
        got += [each["node"]["title"] for each in page["edges"]]
        assert page["totalCount"] == 6
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["edges"][-1]["cursor"]
    assert got == whole
    last = await read(app, team.mate, plan, last=2)
    assert [each["node"]["title"] for each in last["edges"]] == whole[4:]
    before = await read(app, team.mate, plan, last=10, before=last["edges"][0]["cursor"])
    assert [each["node"]["title"] for each in before["edges"]] == whole[:4]


async def test_what_no_longer_links_is_no_backlink(app: App, team: People) -> None:
    plan, other = await document(app, team, "Plan"), await document(app, team, "Other")
    job = await task(app, team, "Job", description=link(plan))
    said = await comment(app, team.mate, await task(app, team, "Talk"), link(plan))
    page = await document(app, team, "Page", content=link(plan))
    assert await linking(app, team.guest, plan) == ["Page", "Talk", "Job"]
    await done(app, team.member, "taskUpdate", id=job["id"], description=link(other))
    await done(app, team.mate, "commentUpdate", id=said["id"], body=f"{link(other)} {link(plan)}")
    assert await linking(app, team.guest, plan) == ["Page", "Talk"]
    assert await linking(app, team.guest, other) == ["Talk", "Job"]
    await do(app, team.mate, "commentDelete", id=said["id"])
    assert await linking(app, team.guest, other) == ["Job"]
    await done(app, team.member, "taskDelete", id=job["id"])
    assert await linking(app, team.guest, other) == []
    await done(app, team.member, "taskRestore", id=job["id"])
    assert await linking(app, team.guest, other) == ["Job"]
    await do(app, team.member, "documentEdit", id=page["id"], base=1, replaceAll=link(other))
    assert await linking(app, team.guest, other) == ["Page", "Job"]
    assert await linking(app, team.guest, plan) == ["Page"]
    await do(app, team.member, "documentSaveVersion", id=page["id"])
    assert await linking(app, team.guest, plan) == []
    await done(app, team.member, "documentDelete", id=page["id"])
    assert await linking(app, team.guest, other) == ["Job"]


async def test_live_edits_link_when_a_version_is_saved(app: App, team: People) -> None:
    plan, page = await document(app, team, "Plan"), await document(app, team, "Page")
    await write(app, team.mate, page, f"Read {address(plan)}")
    assert await linking(app, team.guest, plan) == []
    await archive(app).compact(uuid_of(page["id"]))
    assert await linking(app, team.guest, plan) == ["Page"]


async def test_nobody_is_told_of_what_he_may_not_see(app: App, team: People) -> None:
    plan = await document(app, team, "Plan")
    secret = await project(app, team, "Secret", private_to=[team.member])
    await task(app, team, "Hidden job", projectId=secret, description=link(plan))
    hidden = await document(app, team, "Hidden page", projectId=secret, content=link(plan))
    open_job = await task(app, team, "Open job", description=link(plan))
    assert await linking(app, team.member, plan) == ["Open job", "Hidden page", "Hidden job"]
    assert await linking(app, team.guest, plan) == ["Open job"]
    assert await linking(app, team.mate, plan) == ["Open job"]
    await done(app, team.member, "documentMove", id=hidden["id"], projectId=team.project_id)
    await done(app, team.member, "taskMove", id=open_job["id"], projectId=secret)
    assert await linking(app, team.guest, plan) == ["Hidden page"]
    other = await settle(app)
    await task(app, other, "Elsewhere", description=link(plan))
    assert await linking(app, team.member, plan) == ["Open job", "Hidden page", "Hidden job"]


async def test_a_token_is_told_of_the_kinds_that_it_was_lent(app: App, team: People) -> None:
    plan = await document(app, team, "Plan")
    await task(app, team, "Job", description=link(plan))
    await document(app, team, "Page", content=link(plan))
    lent = Actor(user_id=team.member.user.id, scopes=ALL_SCOPES - {Scope.TASKS_READ})
    found = await read(app, None, plan, actor=lent)
    assert ([each["node"]["title"] for each in found["edges"]], found["totalCount"]) == (["Page"], 1)


async def test_links_to_itself_to_other_things_and_to_what_is_not_yet_there(app: App, team: People) -> None:
    later = "01922222-2222-7222-8222-222222222222"
    early = await task(app, team, "Early", description=f"[x](document:{ids.encode('Document', UUID(later))})")
    plan = await document(app, team, "Plan", id=later)
    assert await linking(app, team.member, plan) == ["Early"]
    await do(app, team.member, "documentEdit", id=plan["id"], base=0, append=link(plan))
    await comment(app, team.mate, plan, link(plan))
    await do(app, team.member, "documentSaveVersion", id=plan["id"])
    nonsense = (
        f"[a](document:nonsense) [b](user:{plan['id']}) [c](document:{team.member.id}) /documents/{later[:-1]} {plan['id']}"
    )
    await done(app, team.member, "taskUpdate", id=early["id"], description=nonsense)
    assert await linking(app, team.member, plan) == []


async def test_a_link_in_a_document_stays_what_it_is(app: App, team: People) -> None:
    plan = await document(app, team, "Plan")
    page = await document(app, team, "Page", content=link(plan))
    text = "query ($id: ID!) { document(id: $id) { content { text } } }"
    assert (await app.run(team.guest, text, id=page["id"]))["document"]["content"]["text"] == f"{link(plan)}\n"


async def test_backlinks_cost_three_statements_for_any_number_of_documents(app: App, team: People) -> None:
    plans = [await document(app, team, f"Plan {number}") for number in range(4)]
    everywhere = " ".join(map(link, plans))
    for number in range(3):
        await task(app, team, f"Task {number}", description=everywhere)
        await document(app, team, f"Page {number}", content=everywhere)
    text = "query ($id: ID!, $first: Int!) { project(id: $id) { documents(first: $first) { nodes { %s } } } }"
    backlinks = text % "backlinks(first: 5) { nodes { id ... on Task { title } ... on Document { title } } }"
    _, before = await app.statements(team.member, text % "id", id=team.project_id, first=4)
    for first in (1, 4):
        data, taken = await app.statements(team.member, backlinks, id=team.project_id, first=first)
        assert [len(each["backlinks"]["nodes"]) for each in data["project"]["documents"]["nodes"]] == [5] * first
        assert taken - before == 3


async def test_a_text_that_links_to_nothing_writes_no_references(app: App, team: People) -> None:
    before = (await everything(app))["document_references"]
    job = await task(app, team, "Job", description="The documents are elsewhere.")
    await comment(app, team.mate, job, "Documents?")
    assert (await everything(app))["document_references"] == before


async def test_references_are_made_anew_with_the_index(own: App) -> None:
    team = await settle(own)
    plan = await document(own, team, "Plan")
    job = await task(own, team, "Job", description=link(plan))
    await comment(own, team.mate, await task(own, team, "Talk"), link(plan))
    gone = await comment(own, team.mate, await task(own, team, "Silence"), link(plan))
    await do(own, team.mate, "commentDelete", id=gone["id"])
    await document(own, team, "Page", content=link(plan))
    kept = "SELECT * FROM document_references ORDER BY document_id, holder_type, holder_id"
    before = await own.sql.fetch(kept)
    assert len(before) == 3
    await own.sql.execute("TRUNCATE document_references, documents, document_versions, document_heads, document_updates")
    wrong = "INSERT INTO document_references VALUES ($1, $1, 'Task', 'Task', $2)"
    await own.sql.execute(wrong, uuid_of(gone["id"]), uuid_of(job["id"]))
    rebuilt = await reindex(own.house.database, archive(own).objects)
    assert (rebuilt.documents, rebuilt.linking) == (2, 2)
    assert await own.sql.fetch(kept) == before
    assert await linking(own, team.guest, plan) == ["Page", "Talk", "Job"]
