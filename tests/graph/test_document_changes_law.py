"""The law for documents: changes applied to an old shelf give the new shelf, whatever people did in between."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.app import App, Person
from tests.graph.test_changes_scope import second_team
from tests.listening import listening, now
from tests.people import People
from tests.work import do, project

STEPS = 60
PAGE = """
fragment Page on Document {
  __typename id version createdAt updatedAt title type rank preview deletedAt project { id } parent { id } owner { id }
  latestVersion { id number name }
  comments(first: 10) { nodes { ...Remark replies(first: 3) { nodes { ...Remark } } } }
}
fragment Remark on Comment { __typename id version body editedAt resolvedAt parent { id } }
"""
SHELF = f"""
query ($id: ID!, $after: String) {{
  project(id: $id) {{ documents(first: 12, after: $after) {{ nodes {{ ...Page }} pageInfo {{ hasNextPage endCursor }} }} }}
}}
{PAGE}
"""
_CHANGE = "kind type entityId cursor entity { ...Page ...Remark ... on Comment { subject { ... on Document { id } } } }"
CHANGES = f"""
query ($after: SyncCursor) {{ changes(after: $after, first: 12) {{ cursor nodes {{ {_CHANGE} }} pageInfo {{ hasNextPage }} }} }}
{PAGE}
"""
FOLLOW = f"subscription ($after: SyncCursor) {{ changes(after: $after) {{ {_CHANGE} }} }} {PAGE}"


class Shelf:
    """What a client holds of one project: documents by id, each with remarks by id."""

    def __init__(self, project_id: str, cursor: str) -> None:
        self.project_id = project_id
        self.cursor = cursor
        self.pages: dict[str, Any] = {}

    def put(self, page: Any) -> None:
        """A document as a query or a change gives it."""
        remarks = [each for thread in page["comments"]["nodes"] for each in (thread, *thread["replies"]["nodes"])]
        self.pages[page["id"]] = page | {"comments": {each["id"]: _alone(each) for each in remarks}}

    def apply(self, change: Any) -> None:
        """Make of the old what is new; needs no more than a change's kind, type, id and entity."""
        entity, gone = change["entity"], change["entity"] is None or change["kind"] in ("DELETED", "ACCESS_LOST")
        match change["type"]:
            case "Document" if gone or entity["project"]["id"] != self.project_id or entity["deletedAt"]:
                self.pages.pop(change["entityId"], None)
            case "Document":
                self.put(entity)
            case "Comment" if gone:
                for page in self.pages.values():
                    page["comments"].pop(change["entityId"], None)
            case "Comment" if page := self.pages.get(entity["subject"].get("id", "")):
                page["comments"][entity["id"]] = _alone(entity)
        self.cursor = change["cursor"]


def _alone(remark: Any) -> Any:
    return {name: value for name, value in remark.items() if name not in ("replies", "subject")}


async def load(app: App, person: Person, project_id: str) -> Shelf:
    """The shelf as it is now, and a cursor from which on its changes are told."""
    shelf, after, more = Shelf(project_id, await now(app, person)), None, True
    while more:
        found = (await app.run(person, SHELF, id=project_id, after=after))["project"]
        if found is None:
            break
        for page in found["documents"]["nodes"]:
            shelf.put(page)
        more, after = found["documents"]["pageInfo"]["hasNextPage"], found["documents"]["pageInfo"]["endCursor"]
    return shelf


async def catch_up(app: App, person: Person, shelf: Shelf) -> int:
    """Apply what the query tells since the shelf's cursor; how many changes that were."""
    count, more = 0, True
    while more:
        found = (await app.run(person, CHANGES, after=shelf.cursor))["changes"]
        for change in found["nodes"]:
            shelf.apply(change)
        count += len(found["nodes"])
        shelf.cursor, more = found["cursor"], found["pageInfo"]["hasNextPage"]
    return count


class Writers:
    """People who write at random: some of what they try is refused, as in life."""

    def __init__(self, app: App, team: People, projects: list[str], away: str, seed: int) -> None:
        self._app = app
        self._people = [team.member, team.member, team.mate]
        self._traveller = team.member
        self._projects = projects
        self._away = away
        self._dice = random.Random(seed)
        self._pages: list[str] = []
        self._remarks: list[str] = []
        self.done = 0
        self._steps: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (6, self._create), (4, self._name), (4, self._say), (5, self._move), (2, self._travel), (3, self._delete),
            (3, self._restore), (4, self._remark), (1, self._edit), (1, self._resolve), (1, self._unsay),
        ]  # fmt: skip

    async def step(self) -> None:
        """One thing that somebody does."""
        (step,) = self._dice.choices([step for _, step in self._steps], [weight for weight, _ in self._steps])
        await step()

    async def _do(self, field: str, by: Person | None = None, **given: Any) -> Any:
        payload = await do(self._app, by or self._dice.choice(self._people), field, **given)
        self.done += not payload["errors"]
        return payload

    def _page(self) -> Any:
        return self._dice.choice(self._pages) if self._pages else None

    async def _create(self) -> None:
        given: dict[str, Any] = {"projectId": self._projects[0], "title": f"Page {len(self._pages)}"}
        given |= {"parentId": self._page()} if self._dice.random() < 0.4 else {}
        given |= {"content": f"Words {self._dice.random()}"} if self._dice.random() < 0.5 else {}
        payload = await self._do("documentCreate", **given)
        self._pages += [payload["document"]["id"]] if payload["document"] else []

    async def _name(self) -> None:
        if page := self._page():
            await self._do("documentUpdate", id=page, title=f"Title {self._dice.random()}")

    async def _say(self) -> None:
        if page := self._page():
            text = "query ($id: ID!) { document(id: $id) { content { position } } }"
            found = (await self._app.run(self._traveller, text, id=page))["document"]
            base = found["content"]["position"] if found else 0
            await self._do("documentEdit", id=page, base=base, append=f"More {self._dice.random()}")
            await self._do("documentSaveVersion", id=page, name="Now")

    async def _move(self) -> None:
        where: dict[str, Any] = self._dice.choice(
            [
                {"afterId": self._page()},
                {"parentId": self._page()},
                {"parentId": None},
                {"projectId": self._dice.choice(self._projects)},
            ]
        )
        if page := self._page():
            await self._do("documentMove", id=page, **where)

    async def _travel(self) -> None:
        if page := self._page():
            await self._do("documentMove", self._traveller, id=page, projectId=self._dice.choice([self._away, self._projects[0]]))

    async def _delete(self) -> None:
        if page := self._page():
            await self._do("documentDelete", id=page)

    async def _restore(self) -> None:
        if page := self._page():
            await self._do("documentRestore", id=page)

    async def _remark(self) -> None:
        if page := self._page():
            payload = await self._do("commentCreate", subjectId=page, body="So be it.")
            self._remarks += [payload["comment"]["id"]] if payload["comment"] else []

    async def _edit(self) -> None:
        if self._remarks:
            await self._do("commentUpdate", id=self._dice.choice(self._remarks), body=f"Or rather {self._dice.random()}")

    async def _resolve(self) -> None:
        if self._remarks:
            await self._do("commentResolve", id=self._dice.choice(self._remarks), resolved=self._dice.random() < 0.7)

    async def _unsay(self) -> None:
        if self._remarks:
            await self._do("commentDelete", id=self._dice.choice(self._remarks))


@pytest.mark.parametrize("seed", range(2))
async def test_changes_applied_to_an_old_shelf_give_the_new_shelf(app: App, team: People, seed: int) -> None:
    other = await second_team(app, team)
    projects = [team.project_id, await project(app, team, "Next door")]
    writers = Writers(app, team, projects, other.project_id, seed)
    hearers = [
        (team.member, projects[0]),
        (team.mate, projects[1]),
        (team.guest, projects[0]),
        (team.guest, projects[1]),
        (team.member, other.project_id),
    ]
    shelves = [await load(app, person, project_id) for person, project_id in hearers]
    live = await load(app, team.mate, projects[0])
    applied = 0
    async with listening(app, team.mate, FOLLOW, after=live.cursor) as ear:
        for number in range(1, STEPS + 1):
            await writers.step()
            if number % 12 == 0:
                for (person, project_id), shelf in zip(hearers, shelves, strict=True):
                    applied += await catch_up(app, person, shelf)
                    assert shelf.pages == (await load(app, person, project_id)).pages
                heard = await load(app, team.mate, projects[0])
                while not ear.answers.empty() or live.pages != heard.pages:
                    live.apply(await ear.next())
    assert writers.done > STEPS / 3
    assert applied > STEPS
