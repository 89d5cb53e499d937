"""What links to a document: in tasks, comments and other documents, as each of its readers may know it."""

from typing import Any
from uuid import UUID

from domain.actor import ALL_SCOPES, Actor, Scope
from persistence.documents.reindex import reindex
from resolvers import ids
from tests.support.app import App, Person
from tests.support.document_storage import document_objects
from tests.support.graph_actions import (
    create_comment,
    create_document,
    create_project,
    create_task,
    mutate,
    mutate_ok,
    table_states,
)
from tests.support.teams import SampleTeam, create_sample_team, uuid_of
from tests.support.yjs_edits import append_paragraphs

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


def document_link(to: Any, title: str = "Plan") -> str:
    """A link as a picker writes it."""
    return f"See [{title}](document:{to['id']})."


def document_url(to: Any) -> str:
    """Where people open a document."""
    return f"https://hive.example.com/team/documents/{uuid_of(to['id'])}?tab=1"


async def backlinks_page(app: App, person: Person | None, to: Any, *, actor: Actor | None = None, **page: Any) -> Any:
    """A page of a document's backlinks."""
    if person is None:
        return (await app.execute(None, BACKLINKS, actor=actor, id=to["id"], **page))["data"]["document"]["backlinks"]
    return (await app.run(person, BACKLINKS, id=to["id"], **page))["document"]["backlinks"]


async def linking_titles(app: App, person: Person, to: Any) -> list[str]:
    """The titles of what links to a document."""
    found = await backlinks_page(app, person, to)
    assert found["totalCount"] == len(found["edges"])
    return [each["node"]["title"] for each in found["edges"]]


async def test_tasks_comments_and_documents_that_link_to_a_document_are_its_backlinks(app: App, team: SampleTeam) -> None:
    plan = await create_document(app, team, "Plan")
    by_id = await create_task(app, team, "By id", description=document_link(plan))
    by_address = await create_task(app, team, "By address", description=f"At {document_url(plan)}, they say.")
    discussed = await create_task(app, team, "Discussed", description="Nothing here.")
    await create_comment(app, team.guest, discussed, document_link(plan))
    await create_comment(app, team.guest, discussed, document_link(plan, "again"))
    page = await create_document(app, team, "Page", content=f"# Page\n\n- {document_link(plan)}\n- {document_link(plan)}")
    read_too = await create_document(app, team, "Read too")
    await create_comment(app, team.mate, read_too, f"<{document_url(plan)}>")
    found = await backlinks_page(app, team.guest, plan)
    assert [each["node"] for each in found["edges"]] == [
        {"__typename": "Document", "id": read_too["id"], "title": "Read too", "type": "TEXT"},
        {"__typename": "Document", "id": page["id"], "title": "Page", "type": "TEXT"},
        *({"__typename": "Task", "id": each["id"], "key": each["key"], "title": each["title"]}
          for each in (discussed, by_address, by_id)),
    ]  # fmt: skip
    assert found["totalCount"] == 5
    assert [each["viewerIsWatching"] for each in found["nodes"]] == [False, False, True, False, False]
    assert await linking_titles(app, team.member, page) == []


async def test_pages_go_on_from_a_cursor_in_both_directions(app: App, team: SampleTeam) -> None:
    plan = await create_document(app, team, "Plan")
    for number in range(3):
        await create_task(app, team, f"Task {number}", description=document_link(plan))
        await create_document(app, team, f"Page {number}", content=document_link(plan))
    whole = ["Page 2", "Task 2", "Page 1", "Task 1", "Page 0", "Task 0"]
    got: list[str] = []
    after = None
    while True:
        page = await backlinks_page(app, team.mate, plan, first=4, after=after)
        got += [each["node"]["title"] for each in page["edges"]]
        assert page["totalCount"] == 6
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["edges"][-1]["cursor"]
    assert got == whole
    last = await backlinks_page(app, team.mate, plan, last=2)
    assert [each["node"]["title"] for each in last["edges"]] == whole[4:]
    before = await backlinks_page(app, team.mate, plan, last=10, before=last["edges"][0]["cursor"])
    assert [each["node"]["title"] for each in before["edges"]] == whole[:4]


async def test_what_no_longer_links_is_no_backlink(app: App, team: SampleTeam) -> None:
    plan, other = await create_document(app, team, "Plan"), await create_document(app, team, "Other")
    job = await create_task(app, team, "Job", description=document_link(plan))
    said = await create_comment(app, team.mate, await create_task(app, team, "Talk"), document_link(plan))
    page = await create_document(app, team, "Page", content=document_link(plan))
    assert await linking_titles(app, team.guest, plan) == ["Page", "Talk", "Job"]
    await mutate_ok(app, team.member, "taskUpdate", id=job["id"], description=document_link(other))
    await mutate_ok(app, team.mate, "commentUpdate", id=said["id"], body=f"{document_link(other)} {document_link(plan)}")
    assert await linking_titles(app, team.guest, plan) == ["Page", "Talk"]
    assert await linking_titles(app, team.guest, other) == ["Talk", "Job"]
    await mutate(app, team.mate, "commentDelete", id=said["id"])
    assert await linking_titles(app, team.guest, other) == ["Job"]
    await mutate_ok(app, team.member, "taskDelete", id=job["id"])
    assert await linking_titles(app, team.guest, other) == []
    await mutate_ok(app, team.member, "taskRestore", id=job["id"])
    assert await linking_titles(app, team.guest, other) == ["Job"]
    await mutate(app, team.member, "documentEdit", id=page["id"], base=1, replaceAll=document_link(other))
    assert await linking_titles(app, team.guest, other) == ["Page", "Job"]
    assert await linking_titles(app, team.guest, plan) == ["Page"]
    await mutate(app, team.member, "documentSaveVersion", id=page["id"])
    assert await linking_titles(app, team.guest, plan) == []
    await mutate_ok(app, team.member, "documentDelete", id=page["id"])
    assert await linking_titles(app, team.guest, other) == ["Job"]


async def test_live_edits_link_when_a_version_is_saved(app: App, team: SampleTeam) -> None:
    plan, page = await create_document(app, team, "Plan"), await create_document(app, team, "Page")
    await append_paragraphs(app, team.mate, page, f"Read {document_url(plan)}")
    assert await linking_titles(app, team.guest, plan) == []
    await app.resources.services.compaction.compact(uuid_of(page["id"]))
    assert await linking_titles(app, team.guest, plan) == ["Page"]


async def test_nobody_receives_what_they_may_not_see(app: App, team: SampleTeam) -> None:
    plan = await create_document(app, team, "Plan")
    secret = await create_project(app, team, "Secret", private_to=[team.member])
    await create_task(app, team, "Hidden job", projectId=secret, description=document_link(plan))
    hidden = await create_document(app, team, "Hidden page", projectId=secret, content=document_link(plan))
    open_job = await create_task(app, team, "Open job", description=document_link(plan))
    assert await linking_titles(app, team.member, plan) == ["Open job", "Hidden page", "Hidden job"]
    assert await linking_titles(app, team.guest, plan) == ["Open job"]
    assert await linking_titles(app, team.mate, plan) == ["Open job"]
    await mutate_ok(app, team.member, "documentMove", id=hidden["id"], projectId=team.project_id)
    await mutate_ok(app, team.member, "taskMove", id=open_job["id"], projectId=secret)
    assert await linking_titles(app, team.guest, plan) == ["Hidden page"]
    other = await create_sample_team(app)
    await create_task(app, other, "Elsewhere", description=document_link(plan))
    assert await linking_titles(app, team.member, plan) == ["Open job", "Hidden page", "Hidden job"]


async def test_a_token_receives_the_kinds_that_it_has(app: App, team: SampleTeam) -> None:
    plan = await create_document(app, team, "Plan")
    await create_task(app, team, "Job", description=document_link(plan))
    await create_document(app, team, "Page", content=document_link(plan))
    lent = Actor(user_id=team.member.user.id, scopes=ALL_SCOPES - {Scope.TASKS_READ})
    found = await backlinks_page(app, None, plan, actor=lent)
    assert ([each["node"]["title"] for each in found["edges"]], found["totalCount"]) == (["Page"], 1)


async def test_links_to_itself_to_other_things_and_to_what_is_not_yet_there(app: App, team: SampleTeam) -> None:
    later = "01922222-2222-7222-8222-222222222222"
    early = await create_task(app, team, "Early", description=f"[x](document:{ids.encode('Document', UUID(later))})")
    plan = await create_document(app, team, "Plan", id=later)
    assert await linking_titles(app, team.member, plan) == ["Early"]
    await mutate(app, team.member, "documentEdit", id=plan["id"], base=0, append=document_link(plan))
    await create_comment(app, team.mate, plan, document_link(plan))
    await mutate(app, team.member, "documentSaveVersion", id=plan["id"])
    nonsense = (
        f"[a](document:nonsense) [b](user:{plan['id']}) [c](document:{team.member.id}) /documents/{later[:-1]} {plan['id']}"
    )
    await mutate_ok(app, team.member, "taskUpdate", id=early["id"], description=nonsense)
    assert await linking_titles(app, team.member, plan) == []


async def test_a_link_in_a_document_stays_what_it_is(app: App, team: SampleTeam) -> None:
    plan = await create_document(app, team, "Plan")
    page = await create_document(app, team, "Page", content=document_link(plan))
    text = "query ($id: ID!) { document(id: $id) { content { text } } }"
    assert (await app.run(team.guest, text, id=page["id"]))["document"]["content"]["text"] == f"{document_link(plan)}\n"


async def test_backlinks_cost_three_statements_for_any_number_of_documents(app: App, team: SampleTeam) -> None:
    plans = [await create_document(app, team, f"Plan {number}") for number in range(4)]
    everywhere = " ".join(map(document_link, plans))
    for number in range(3):
        await create_task(app, team, f"Task {number}", description=everywhere)
        await create_document(app, team, f"Page {number}", content=everywhere)
    text = "query ($id: ID!, $first: Int!) { project(id: $id) { documents(first: $first) { nodes { %s } } } }"
    backlinks = text % "backlinks(first: 5) { nodes { id ... on Task { title } ... on Document { title } } }"
    _, before = await app.count_statements(team.member, text % "id", id=team.project_id, first=4)
    for first in (1, 4):
        data, taken = await app.count_statements(team.member, backlinks, id=team.project_id, first=first)
        assert [len(each["backlinks"]["nodes"]) for each in data["project"]["documents"]["nodes"]] == [5] * first
        assert taken - before == 3


async def test_a_text_that_links_to_nothing_writes_no_references(app: App, team: SampleTeam) -> None:
    before = (await table_states(app))["document_references"]
    job = await create_task(app, team, "Job", description="The documents are elsewhere.")
    await create_comment(app, team.mate, job, "Documents?")
    assert (await table_states(app))["document_references"] == before


async def test_references_are_made_anew_with_the_index(isolated_app: App) -> None:
    team = await create_sample_team(isolated_app)
    plan = await create_document(isolated_app, team, "Plan")
    job = await create_task(isolated_app, team, "Job", description=document_link(plan))
    await create_comment(isolated_app, team.mate, await create_task(isolated_app, team, "Talk"), document_link(plan))
    gone = await create_comment(isolated_app, team.mate, await create_task(isolated_app, team, "Silence"), document_link(plan))
    await mutate(isolated_app, team.mate, "commentDelete", id=gone["id"])
    await create_document(isolated_app, team, "Page", content=document_link(plan))
    kept = "SELECT * FROM document_references ORDER BY document_id, holder_type, holder_id"
    before = await isolated_app.sql.fetch(kept)
    assert len(before) == 3
    await isolated_app.sql.execute("TRUNCATE document_references, documents, document_versions, document_heads, document_updates")
    wrong = "INSERT INTO document_references VALUES ($1, $1, 'Task', 'Task', $2)"
    await isolated_app.sql.execute(wrong, uuid_of(gone["id"]), uuid_of(job["id"]))
    rebuilt = await reindex(isolated_app.resources.database, document_objects(isolated_app))
    assert (rebuilt.documents, rebuilt.linking) == (2, 2)
    assert await isolated_app.sql.fetch(kept) == before
    assert await linking_titles(isolated_app, team.guest, plan) == ["Page", "Talk", "Job"]
