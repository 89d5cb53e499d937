"""The law for documents: changes applied to an old shelf give the new shelf, whatever people did in between."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.graph.test_changes_scope import create_second_team
from tests.support.app import App, Person
from tests.support.graph_actions import create_project, mutate
from tests.support.subscriptions import current_cursor, open_subscription
from tests.support.teams import SampleTeam

STEPS = 60
DOCUMENT_FRAGMENTS = """
fragment Page on Document {
  __typename id version createdAt updatedAt title type rank preview deletedAt project { id } parent { id } owner { id }
  latestVersion { id number name }
  comments(first: 10) { nodes { ...Remark replies(first: 3) { nodes { ...Remark } } } }
}
fragment Remark on Comment { __typename id version body editedAt resolvedAt parent { id } }
"""
DOCUMENTS_QUERY = f"""
query ($id: ID!, $after: String) {{
  project(id: $id) {{ documents(first: 12, after: $after) {{ nodes {{ ...Page }} pageInfo {{ hasNextPage endCursor }} }} }}
}}
{DOCUMENT_FRAGMENTS}
"""
_CHANGE_FIELDS = "kind type entityId cursor entity { ...Page ...Remark ... on Comment { subject { ... on Document { id } } } }"
DOCUMENT_CHANGES_QUERY = f"""
query ($after: SyncCursor) {{ changes(after: $after, first: 12) {{ cursor nodes {{ {_CHANGE_FIELDS} }} pageInfo {{ hasNextPage }} }} }}
{DOCUMENT_FRAGMENTS}
"""
DOCUMENT_CHANGES_SUBSCRIPTION = (
    f"subscription ($after: SyncCursor) {{ changes(after: $after) {{ {_CHANGE_FIELDS} }} }} {DOCUMENT_FRAGMENTS}"
)


class DocumentCache:
    """What a client holds of one project: documents by id, each with remarks by id."""

    def __init__(self, project_id: str, cursor: str) -> None:
        self.project_id = project_id
        self.cursor = cursor
        self.documents: dict[str, Any] = {}

    def store_document(self, document: Any) -> None:
        """A document as a query or a change gives it."""
        remarks = [each for thread in document["comments"]["nodes"] for each in (thread, *thread["replies"]["nodes"])]
        self.documents[document["id"]] = document | {"comments": {each["id"]: _without_replies(each) for each in remarks}}

    def apply_change(self, change: Any) -> None:
        """Make of the old what is new; needs no more than a change's kind, type, id and entity."""
        entity, gone = change["entity"], change["entity"] is None or change["kind"] in ("DELETED", "ACCESS_LOST")
        match change["type"]:
            case "Document" if gone or entity["project"]["id"] != self.project_id or entity["deletedAt"]:
                self.documents.pop(change["entityId"], None)
            case "Document":
                self.store_document(entity)
            case "Comment" if gone:
                for page in self.documents.values():
                    page["comments"].pop(change["entityId"], None)
            case "Comment" if page := self.documents.get(entity["subject"].get("id", "")):
                page["comments"][entity["id"]] = _without_replies(entity)
        self.cursor = change["cursor"]


def _without_replies(comment: Any) -> Any:
    return {name: value for name, value in comment.items() if name not in ("replies", "subject")}


async def load_documents(app: App, person: Person, project_id: str) -> DocumentCache:
    """The shelf as it is now, and a cursor from which on its changes are told."""
    shelf, after, more = DocumentCache(project_id, await current_cursor(app, person)), None, True
    while more:
        found = (await app.run(person, DOCUMENTS_QUERY, id=project_id, after=after))["project"]
        if found is None:
            break
        for page in found["documents"]["nodes"]:
            shelf.store_document(page)
        more, after = found["documents"]["pageInfo"]["hasNextPage"], found["documents"]["pageInfo"]["endCursor"]
    return shelf


async def catch_up(app: App, person: Person, cache: DocumentCache) -> int:
    """Apply what the query tells since the shelf's cursor; how many changes that were."""
    count, more = 0, True
    while more:
        found = (await app.run(person, DOCUMENT_CHANGES_QUERY, after=cache.cursor))["changes"]
        for change in found["nodes"]:
            cache.apply_change(change)
        count += len(found["nodes"])
        cache.cursor, more = found["cursor"], found["pageInfo"]["hasNextPage"]
    return count


class RandomDocumentWriters:
    """People who write at random: some of what they try is refused, as in life."""

    def __init__(self, app: App, team: SampleTeam, projects: list[str], away: str, seed: int) -> None:
        self._app = app
        self._people = [team.member, team.member, team.mate]
        self._mover = team.member
        self._projects = projects
        self._other_project = away
        self._rng = random.Random(seed)
        self._documents: list[str] = []
        self._comments: list[str] = []
        self.succeeded = 0
        self._steps: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (6, self._create), (4, self._rename), (4, self._append_text), (5, self._move), (2, self._move_to_other_team), (3, self._delete),
            (3, self._restore), (4, self._create_comment), (1, self._edit_comment), (1, self._resolve_comment), (1, self._delete_comment),
        ]  # fmt: skip

    async def step(self) -> None:
        """One thing that somebody does."""
        (step,) = self._rng.choices([step for _, step in self._steps], [weight for weight, _ in self._steps])
        await step()

    async def _mutate(self, field: str, by: Person | None = None, **fields: Any) -> Any:
        payload = await mutate(self._app, by or self._rng.choice(self._people), field, **fields)
        self.succeeded += not payload["errors"]
        return payload

    def _pick(self) -> Any:
        return self._rng.choice(self._documents) if self._documents else None

    async def _create(self) -> None:
        given: dict[str, Any] = {"projectId": self._projects[0], "title": f"Page {len(self._documents)}"}
        given |= {"parentId": self._pick()} if self._rng.random() < 0.4 else {}
        given |= {"content": f"Words {self._rng.random()}"} if self._rng.random() < 0.5 else {}
        payload = await self._mutate("documentCreate", **given)
        self._documents += [payload["document"]["id"]] if payload["document"] else []

    async def _rename(self) -> None:
        if page := self._pick():
            await self._mutate("documentUpdate", id=page, title=f"Title {self._rng.random()}")

    async def _append_text(self) -> None:
        if page := self._pick():
            text = "query ($id: ID!) { document(id: $id) { content { position } } }"
            found = (await self._app.run(self._mover, text, id=page))["document"]
            base = found["content"]["position"] if found else 0
            await self._mutate("documentEdit", id=page, base=base, append=f"More {self._rng.random()}")
            await self._mutate("documentSaveVersion", id=page, name="Now")

    async def _move(self) -> None:
        where: dict[str, Any] = self._rng.choice(
            [
                {"afterId": self._pick()},
                {"parentId": self._pick()},
                {"parentId": None},
                {"projectId": self._rng.choice(self._projects)},
            ]
        )
        if page := self._pick():
            await self._mutate("documentMove", id=page, **where)

    async def _move_to_other_team(self) -> None:
        if page := self._pick():
            await self._mutate(
                "documentMove", self._mover, id=page, projectId=self._rng.choice([self._other_project, self._projects[0]])
            )

    async def _delete(self) -> None:
        if page := self._pick():
            await self._mutate("documentDelete", id=page)

    async def _restore(self) -> None:
        if page := self._pick():
            await self._mutate("documentRestore", id=page)

    async def _create_comment(self) -> None:
        if page := self._pick():
            payload = await self._mutate("commentCreate", subjectId=page, body="So be it.")
            self._comments += [payload["comment"]["id"]] if payload["comment"] else []

    async def _edit_comment(self) -> None:
        if self._comments:
            await self._mutate("commentUpdate", id=self._rng.choice(self._comments), body=f"Or rather {self._rng.random()}")

    async def _resolve_comment(self) -> None:
        if self._comments:
            await self._mutate("commentResolve", id=self._rng.choice(self._comments), resolved=self._rng.random() < 0.7)

    async def _delete_comment(self) -> None:
        if self._comments:
            await self._mutate("commentDelete", id=self._rng.choice(self._comments))


@pytest.mark.parametrize("seed", range(2))
async def test_changes_applied_to_an_old_shelf_give_the_new_shelf(app: App, team: SampleTeam, seed: int) -> None:
    other = await create_second_team(app, team)
    projects = [team.project_id, await create_project(app, team, "Next door")]
    writers = RandomDocumentWriters(app, team, projects, other.project_id, seed)
    hearers = [
        (team.member, projects[0]),
        (team.mate, projects[1]),
        (team.guest, projects[0]),
        (team.guest, projects[1]),
        (team.member, other.project_id),
    ]
    shelves = [await load_documents(app, person, project_id) for person, project_id in hearers]
    live = await load_documents(app, team.mate, projects[0])
    applied = 0
    async with open_subscription(app, team.mate, DOCUMENT_CHANGES_SUBSCRIPTION, after=live.cursor) as ear:
        for number in range(1, STEPS + 1):
            await writers.step()
            if number % 12 == 0:
                for (person, project_id), shelf in zip(hearers, shelves, strict=True):
                    applied += await catch_up(app, person, shelf)
                    assert shelf.documents == (await load_documents(app, person, project_id)).documents
                received = await load_documents(app, team.mate, projects[0])
                while not ear.results.empty() or live.documents != received.documents:
                    live.apply_change(await ear.next_change())
    assert writers.succeeded > STEPS / 3
    assert applied > STEPS
