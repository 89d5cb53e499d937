"""The law: changes applied to an old query result give the new query result, whatever people did in between."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.app import App, Person
from tests.board import FOLLOW, Board, catch_up, load
from tests.files import announced, completed, put
from tests.graph.test_changes_scope import second_team
from tests.listening import listening
from tests.people import People
from tests.work import do, label, project

STEPS = 90
STATUSES = ["BACKLOG", "TODO", "IN_PROGRESS", "IN_REVIEW", "DONE", "CANCELED"]


class Office:
    """People at work at random: some of what they try is refused, as in life."""

    def __init__(self, app: App, team: People, other: People, projects: list[str], seed: int) -> None:
        self._app = app
        self._team = team
        self._projects = projects
        self._away = other.project_id
        self._dice = random.Random(seed)
        self._tasks: list[str] = []
        self._comments: list[str] = []
        self._labels: list[str] = []
        self._files: list[str] = []
        self.done = 0
        self._steps: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (6, self._create), (6, self._update), (5, self._move), (3, self._travel), (3, self._delete), (3, self._restore),
            (5, self._comment), (2, self._edit), (2, self._resolve), (2, self._uncomment), (4, self._label), (1, self._relabel),
            (1, self._unlabel), (1, self._many), (3, self._attach), (1, self._detach),
        ]  # fmt: skip

    async def step(self) -> None:
        """One thing that somebody does."""
        (step,) = self._dice.choices([step for _, step in self._steps], [weight for weight, _ in self._steps])
        await step()

    async def _do(self, field: str, **given: Any) -> Any:
        payload = await do(self._app, self._dice.choice([self._team.member, self._team.member, self._team.mate]), field, **given)
        self.done += not payload["errors"]
        return payload

    def _some(self, among: list[str]) -> str | None:
        return self._dice.choice(among) if among and self._dice.random() < 0.9 else None

    async def _create(self) -> None:
        given: dict[str, Any] = {
            "projectId": self._projects[0],
            "title": f"Card {len(self._tasks)}",
            "status": self._dice.choice(STATUSES),
        }
        if self._dice.random() < 0.3:
            given["parentId"] = self._some(self._tasks)
        if self._dice.random() < 0.3:
            given["afterId"] = self._some(self._tasks)
        payload = await self._do("taskCreate", labelIds=self._labels[-2:], **given)
        self._tasks += [payload["task"]["id"]] if payload["task"] else []

    async def _update(self) -> None:
        some: dict[str, Any] = {
            "title": f"Title {self._dice.random()}",
            "description": self._dice.choice([None, "# Words"]),
            "status": self._dice.choice(STATUSES),
            "priority": self._dice.choice(["NONE", "URGENT"]),
            "assigneeId": self._dice.choice([None, self._team.mate.id, self._team.member.id]),
            "dueOn": self._dice.choice([None, "2026-01-01", "2099-12-31"]),
            "estimate": self._dice.choice([None, 2.5]),
        }
        if card := self._some(self._tasks):
            await self._do("taskUpdate", id=card, **{name: some[name] for name in self._dice.sample(sorted(some), 3)})

    async def _move(self) -> None:
        where: dict[str, Any] = self._dice.choice([
            {"afterId": self._some(self._tasks)}, {"beforeId": self._some(self._tasks)}, {"status": self._dice.choice(STATUSES)},
            {"parentId": self._some(self._tasks)}, {"parentId": None}, {"projectId": self._dice.choice(self._projects)},
        ])  # fmt: skip
        if card := self._some(self._tasks):
            await self._do("taskMove", id=card, **where)

    async def _travel(self) -> None:
        if card := self._some(self._tasks):
            await do(
                self._app, self._team.member, "taskMove", id=card, projectId=self._dice.choice([self._away, self._projects[0]])
            )

    async def _delete(self) -> None:
        if card := self._some(self._tasks):
            await self._do("taskDelete", id=card)

    async def _restore(self) -> None:
        if card := self._some(self._tasks):
            await self._do("taskRestore", id=card)

    async def _comment(self) -> None:
        if card := self._some(self._tasks):
            said = await self._do("commentCreate", subjectId=card, body="So be it.", parentId=self._some(self._comments[-1:]))
            if said["errors"]:
                said = await self._do("commentCreate", subjectId=card, body="Be it so.")
            self._comments += [said["comment"]["id"]] if said["comment"] else []

    async def _edit(self) -> None:
        if said := self._some(self._comments):
            await self._do("commentUpdate", id=said, body=f"Or rather {self._dice.random()}")

    async def _resolve(self) -> None:
        if said := self._some(self._comments):
            await self._do("commentResolve", id=said, resolved=self._dice.random() < 0.7)

    async def _uncomment(self) -> None:
        if said := self._some(self._comments):
            await self._do("commentDelete", id=said)

    async def _label(self) -> None:
        if not self._labels or self._dice.random() < 0.2:
            self._labels.append(await label(self._app, self._team.member, self._team.team_id, f"word {self._dice.random()}"))
        if card := self._some(self._tasks):
            change = self._dice.choice(["addLabelIds", "removeLabelIds"])
            await self._do("taskUpdate", id=card, **{change: [self._dice.choice(self._labels)]})

    async def _relabel(self) -> None:
        if word := self._some(self._labels):
            await self._do("labelUpdate", id=word, name=f"renamed {self._dice.random()}", color="#abcdef")

    async def _unlabel(self) -> None:
        if word := self._some(self._labels):
            await self._do("labelDelete", id=word)

    async def _attach(self) -> None:
        somebody = self._dice.choice([self._team.member, self._team.mate])
        subject = self._some(self._tasks if self._dice.random() < 0.5 else self._comments)
        made = await announced(self._app, somebody, b"Notes", subjectId=subject)
        if made["attachment"]:
            await put(self._app, made["upload"], b"Notes")
            done = await completed(self._app, somebody, made["attachment"]["id"])
            self.done += not done["errors"]
            self._files.append(made["attachment"]["id"])

    async def _detach(self) -> None:
        if file := self._some(self._files):
            await self._do("attachmentDelete", id=file)

    async def _many(self) -> None:
        cards = sorted(set(self._dice.choices(self._tasks, k=3))) if self._tasks else []
        if cards:
            given: dict[str, Any] = {"projectId": self._dice.choice(self._projects), "status": self._dice.choice(STATUSES)}
            await self._do("tasksUpdate", ids=cards, set=given, mode="BEST_EFFORT")


async def require_equal(app: App, person: Person, old: Board) -> None:
    """The board that was kept is the board that is."""
    new = await load(app, person, old.project_id)
    assert old.cards == new.cards
    assert old.order == list(new.cards)


@pytest.mark.parametrize("seed", [0, *(pytest.param(each, marks=pytest.mark.slow) for each in range(1, 4))])
async def test_changes_applied_to_an_old_board_give_the_new_board(app: App, team: People, seed: int) -> None:
    other = await second_team(app, team)
    projects = [team.project_id, await project(app, team, "Next door")]
    office = Office(app, team, other, projects, seed)
    narrowed = {"teamIds": [team.team_id]}
    hearers: list[tuple[Person, str, Any]] = [
        (team.member, projects[0], None),
        (team.member, projects[0], narrowed),
        (team.mate, projects[0], None),
        (team.mate, projects[1], narrowed),
        (team.guest, projects[0], None),
        (team.guest, projects[1], None),
        (team.member, other.project_id, {"projectIds": [other.project_id]}),
    ]
    boards = [await load(app, person, project_id) for person, project_id, _ in hearers]
    live = await load(app, team.mate, projects[0])
    applied = 0
    async with listening(app, team.mate, FOLLOW, after=live.cursor) as ear:
        for number in range(1, STEPS + 1):
            await office.step()
            if number % 15 == 0:
                for (person, _, scope), board in zip(hearers, boards, strict=True):
                    applied += await catch_up(app, person, board, scope)
                    await require_equal(app, person, board)
                heard = await load(app, team.mate, projects[0])
                while not ear.answers.empty() or live.cards != heard.cards:
                    live.apply(await ear.next())
    assert live.order == boards[2].order
    assert office.done > STEPS / 3
    assert applied > STEPS
