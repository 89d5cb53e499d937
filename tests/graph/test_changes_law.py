"""The law: changes applied to an old query result give the new query result, whatever people did in between."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.graph.test_changes_scope import create_second_team
from tests.support.app import App, Person
from tests.support.client_cache import BOARD_CHANGES_SUBSCRIPTION, BoardCache, catch_up, load_board
from tests.support.graph_actions import create_label, create_project, mutate
from tests.support.subscriptions import open_subscription
from tests.support.teams import SampleTeam
from tests.support.uploads import complete_upload, create_upload, put_content

STEPS = 90
STATUSES = ["BACKLOG", "TODO", "IN_PROGRESS", "IN_REVIEW", "DONE", "CANCELED"]


class RandomWriters:
    """People at work at random: some of what they try is refused, as in life."""

    def __init__(self, app: App, team: SampleTeam, other: SampleTeam, projects: list[str], seed: int) -> None:
        self._app = app
        self._team = team
        self._projects = projects
        self._other_project = other.project_id
        self._rng = random.Random(seed)
        self._tasks: list[str] = []
        self._comments: list[str] = []
        self._labels: list[str] = []
        self._files: list[str] = []
        self.succeeded = 0
        self._steps: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (6, self._create), (6, self._update), (5, self._move), (3, self._move_to_other_team), (3, self._delete), (3, self._restore),
            (5, self._create_comment), (2, self._edit_comment), (2, self._resolve_comment), (2, self._delete_comment), (4, self._change_labels), (1, self._update_label),
            (1, self._delete_label), (1, self._update_many), (3, self._attach), (1, self._detach),
        ]  # fmt: skip

    async def step(self) -> None:
        """One thing that somebody does."""
        (step,) = self._rng.choices([step for _, step in self._steps], [weight for weight, _ in self._steps])
        await step()

    async def _mutate(self, field: str, **fields: Any) -> Any:
        payload = await mutate(
            self._app, self._rng.choice([self._team.member, self._team.member, self._team.mate]), field, **fields
        )
        self.succeeded += not payload["errors"]
        return payload

    def _pick(self, ids: list[str]) -> str | None:
        return self._rng.choice(ids) if ids and self._rng.random() < 0.9 else None

    async def _create(self) -> None:
        given: dict[str, Any] = {
            "projectId": self._projects[0],
            "title": f"Card {len(self._tasks)}",
            "status": self._rng.choice(STATUSES),
        }
        if self._rng.random() < 0.3:
            given["parentId"] = self._pick(self._tasks)
        if self._rng.random() < 0.3:
            given["afterId"] = self._pick(self._tasks)
        payload = await self._mutate("taskCreate", labelIds=self._labels[-2:], **given)
        self._tasks += [payload["task"]["id"]] if payload["task"] else []

    async def _update(self) -> None:
        some: dict[str, Any] = {
            "title": f"Title {self._rng.random()}",
            "description": self._rng.choice([None, "# Words"]),
            "status": self._rng.choice(STATUSES),
            "priority": self._rng.choice(["NONE", "URGENT"]),
            "assigneeId": self._rng.choice([None, self._team.mate.id, self._team.member.id]),
            "dueOn": self._rng.choice([None, "2026-01-01", "2099-12-31"]),
            "estimate": self._rng.choice([None, 2.5]),
        }
        if card := self._pick(self._tasks):
            await self._mutate("taskUpdate", id=card, **{name: some[name] for name in self._rng.sample(sorted(some), 3)})

    async def _move(self) -> None:
        where: dict[str, Any] = self._rng.choice([
            {"afterId": self._pick(self._tasks)}, {"beforeId": self._pick(self._tasks)}, {"status": self._rng.choice(STATUSES)},
            {"parentId": self._pick(self._tasks)}, {"parentId": None}, {"projectId": self._rng.choice(self._projects)},
        ])  # fmt: skip
        if card := self._pick(self._tasks):
            await self._mutate("taskMove", id=card, **where)

    async def _move_to_other_team(self) -> None:
        if card := self._pick(self._tasks):
            await mutate(
                self._app,
                self._team.member,
                "taskMove",
                id=card,
                projectId=self._rng.choice([self._other_project, self._projects[0]]),
            )

    async def _delete(self) -> None:
        if card := self._pick(self._tasks):
            await self._mutate("taskDelete", id=card)

    async def _restore(self) -> None:
        if card := self._pick(self._tasks):
            await self._mutate("taskRestore", id=card)

    async def _create_comment(self) -> None:
        if card := self._pick(self._tasks):
            said = await self._mutate("commentCreate", subjectId=card, body="So be it.", parentId=self._pick(self._comments[-1:]))
            if said["errors"]:
                said = await self._mutate("commentCreate", subjectId=card, body="Be it so.")
            self._comments += [said["comment"]["id"]] if said["comment"] else []

    async def _edit_comment(self) -> None:
        if said := self._pick(self._comments):
            await self._mutate("commentUpdate", id=said, body=f"Or rather {self._rng.random()}")

    async def _resolve_comment(self) -> None:
        if said := self._pick(self._comments):
            await self._mutate("commentResolve", id=said, resolved=self._rng.random() < 0.7)

    async def _delete_comment(self) -> None:
        if said := self._pick(self._comments):
            await self._mutate("commentDelete", id=said)

    async def _change_labels(self) -> None:
        if not self._labels or self._rng.random() < 0.2:
            self._labels.append(
                await create_label(self._app, self._team.member, self._team.team_id, f"word {self._rng.random()}")
            )
        if card := self._pick(self._tasks):
            change = self._rng.choice(["addLabelIds", "removeLabelIds"])
            await self._mutate("taskUpdate", id=card, **{change: [self._rng.choice(self._labels)]})

    async def _update_label(self) -> None:
        if word := self._pick(self._labels):
            await self._mutate("labelUpdate", id=word, name=f"renamed {self._rng.random()}", color="#abcdef")

    async def _delete_label(self) -> None:
        if word := self._pick(self._labels):
            await self._mutate("labelDelete", id=word)

    async def _attach(self) -> None:
        somebody = self._rng.choice([self._team.member, self._team.mate])
        subject = self._pick(self._tasks if self._rng.random() < 0.5 else self._comments)
        made = await create_upload(self._app, somebody, b"Notes", subjectId=subject)
        if made["attachment"]:
            await put_content(self._app, made["upload"], b"Notes")
            done = await complete_upload(self._app, somebody, made["attachment"]["id"])
            self.succeeded += not done["errors"]
            self._files.append(made["attachment"]["id"])

    async def _detach(self) -> None:
        if file := self._pick(self._files):
            await self._mutate("attachmentDelete", id=file)

    async def _update_many(self) -> None:
        cards = sorted(set(self._rng.choices(self._tasks, k=3))) if self._tasks else []
        if cards:
            given: dict[str, Any] = {"projectId": self._rng.choice(self._projects), "status": self._rng.choice(STATUSES)}
            await self._mutate("tasksUpdate", ids=cards, set=given, mode="BEST_EFFORT")


async def require_equal(app: App, person: Person, old: BoardCache) -> None:
    """The board that was kept is the board that is."""
    new = await load_board(app, person, old.project_id)
    assert old.tasks == new.tasks
    assert old.ordered_ids == list(new.tasks)


@pytest.mark.parametrize("seed", [0, *(pytest.param(each, marks=pytest.mark.fuzz) for each in range(1, 4))])
async def test_changes_applied_to_an_old_board_give_the_new_board(app: App, team: SampleTeam, seed: int) -> None:
    other = await create_second_team(app, team)
    projects = [team.project_id, await create_project(app, team, "Next door")]
    office = RandomWriters(app, team, other, projects, seed)
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
    boards = [await load_board(app, person, project_id) for person, project_id, _ in hearers]
    live = await load_board(app, team.mate, projects[0])
    applied = 0
    async with open_subscription(app, team.mate, BOARD_CHANGES_SUBSCRIPTION, after=live.cursor) as ear:
        for number in range(1, STEPS + 1):
            await office.step()
            if number % 15 == 0:
                for (person, _, scope), board in zip(hearers, boards, strict=True):
                    applied += await catch_up(app, person, board, scope)
                    await require_equal(app, person, board)
                received = await load_board(app, team.mate, projects[0])
                while not ear.results.empty() or live.tasks != received.tasks:
                    live.apply_change(await ear.next_change())
    assert live.ordered_ids == boards[2].ordered_ids
    assert office.succeeded > STEPS / 3
    assert applied > STEPS
