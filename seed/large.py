"""Generates very many rows for benchmarks, team by team, so that the memory for one team is enough.

Benchmarks need rows in number and spread, not sense: titles are assembled from words, and only the first teams have events.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from domain import rank
from domain.comment import Comment
from domain.label import Label
from domain.permissions import Role
from domain.project import Project, ProjectStatus, ProjectVisibility
from domain.task import CLOSED, Task, TaskCreated, TaskPriority, TaskStatus
from domain.task_link import INVERSE, TaskLink, TaskLinkKind
from domain.team import Team
from domain.user import User
from seed import vocabulary
from seed.batch import Batch, ProjectMembership, Reaction, SeedMembership, Watcher
from seed.demo_people import OWNER, PEOPLE, SECOND
from seed.event_log import SeedLog
from seed.ids import Ids, seeded_random

_SEED = 2
_DAYS = 180
_STATUSES = {
    TaskStatus.BACKLOG: 25,
    TaskStatus.TODO: 20,
    TaskStatus.IN_PROGRESS: 10,
    TaskStatus.IN_REVIEW: 5,
    TaskStatus.DONE: 35,
    TaskStatus.CANCELED: 5,
}
_PRIORITIES = {
    TaskPriority.NONE: 30,
    TaskPriority.LOW: 20,
    TaskPriority.MEDIUM: 30,
    TaskPriority.HIGH: 15,
    TaskPriority.URGENT: 5,
}
_FIRST_USERS = (OWNER, SECOND)
_LINKS = (TaskLinkKind.BLOCKS, TaskLinkKind.RELATES_TO, TaskLinkKind.RELATES_TO)
_EMOJI = ("👍", "🎉", "👀")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The size. Each user belongs to one team; the tasks of the first `logged_teams` have events."""

    teams: int = 200
    members: int = 10
    projects: int = 5
    tasks: int = 100  # per project
    comments: int = 200  # per project
    logged_teams: int = 5


def large(anchor: datetime, scale: Scale) -> Iterator[Batch]:
    """One batch per team; the first is the demo user's. Everything happened in the half year before `anchor`."""
    ids, chance = Ids(_SEED), seeded_random(_SEED)
    for index in range(scale.teams):
        yield _GeneratedTeam(anchor, scale, ids, chance, index).batch


class _GeneratedTeam:
    """A team with all that belongs to it."""

    def __init__(self, anchor: datetime, scale: Scale, ids: Ids, rng: Random, index: int) -> None:
        self._began = anchor - timedelta(days=_DAYS)
        self._days = timedelta(days=_DAYS - 1)
        self._anchor, self._scale, self._ids, self._rng, self._index = anchor, scale, ids, rng, index
        self.batch = Batch(users=[self._user(index) for index in range(scale.members)])
        team = self._team()
        self._labels = self._make_labels(team)
        for index in range(scale.projects):
            self._add_project(team, index)
        for project in self.batch.projects:
            self._add_tasks(team, project)
        self._log_tasks()

    def _user(self, index: int) -> User:
        number = self._index * self._scale.members + index
        first, last = vocabulary.FIRST_NAMES[number % 50], vocabulary.LAST_NAMES[number // 50 % 40]
        email, locale, zone = f"{first}.{last}.{number}@larkspur.example".lower(), "en", "UTC"
        if number < len(_FIRST_USERS):
            person = next(person for person in PEOPLE if person.name == _FIRST_USERS[number])
            first, last, email = person.first_name, person.last_name, person.email_address
            locale, zone = person.locale, person.time_zone
        at = self._began - timedelta(days=1)
        return User(
            id=self._ids(),
            created_at=at,
            updated_at=at,
            first_name=first,
            last_name=last,
            email_address=email,
            email_verified_at=at,
            locale=locale,
            time_zone=zone,
        )

    def _team(self) -> Team:
        users, index = self.batch.users, self._index
        name = f"{vocabulary.TEAM_KINDS[index % 20]} {vocabulary.TEAM_PLACES[index // 20 % 10]}"
        team = Team(
            id=self._ids(),
            created_at=self._began,
            updated_at=self._began,
            name=name if index < 200 else f"{name} {index}",
            key=f"T{index + 1:03}",
            description=f"{name}: one of many.",
            owner_id=users[0].id,
        )
        roles = [Role.OWNER, Role.ADMIN, *[Role.MEMBER] * (len(users) - 3), Role.GUEST]
        self._guest_id = users[-1].id
        self.batch.teams.append(team)
        self.batch.members += [
            SeedMembership(team_id=team.id, user_id=user.id, role=role, joined_at=self._began)
            for user, role in zip(users, roles, strict=True)
        ]
        return team

    def _make_labels(self, team: Team) -> list[UUID]:
        self.batch.labels += [
            Label(id=self._ids(), created_at=team.created_at, updated_at=team.created_at, team_id=team.id, name=name, color=color)
            for name, color in vocabulary.LABELS.items()
        ]
        return [label.id for label in self.batch.labels]

    def _add_project(self, team: Team, index: int) -> None:
        """The first has the guest among its members, the last is private to four; the others are open to the team."""
        users = [user.id for user in self.batch.users]
        private = index == self._scale.projects - 1 and index > 0
        project = Project(
            id=self._ids(),
            created_at=self._began,
            updated_at=self._began,
            team_id=team.id,
            name=f"{vocabulary.AREAS[(self._index + index) % len(vocabulary.AREAS)].capitalize()} {index + 1}",
            description="Made to be measured.",
            status=ProjectStatus.COMPLETED if index == 1 else ProjectStatus.ACTIVE,
            visibility=ProjectVisibility.PRIVATE if private else ProjectVisibility.TEAM,
            lead_id=users[1],
            creator_id=users[0],
        )
        members = {0: [*users[:2], self._guest_id]}.get(index, users[:4] if private else users[:2])
        self.batch.projects.append(project)
        self.batch.project_members += [
            ProjectMembership(project_id=project.id, user_id=user_id, joined_at=self._began) for user_id in members
        ]

    def _add_tasks(self, team: Team, project: Project) -> None:
        people = [user.id for user in self.batch.users if user.id != self._guest_id]
        if project.visibility is ProjectVisibility.PRIVATE:
            people = people[:4]
        tasks: list[Task] = []
        last: str | None = None
        for index in range(self._scale.tasks):
            last = rank.between(last, None)
            tasks.append(self._task(team, project, tasks, index, last, people))
        self.batch.tasks += tasks
        for task in tasks:
            self.batch.watchers += [
                Watcher(subject_id=task.id, subject_type="Task", user_id=user_id, created_at=task.created_at)
                for user_id in dict.fromkeys((task.creator_id, task.assignee_id))
                if user_id is not None
            ]
        self._add_comments(project, tasks, people)
        self._add_links(tasks)

    def _task(self, team: Team, project: Project, before: list[Task], index: int, last: str, people: list[UUID]) -> Task:
        chance = self._rng
        number = self.batch.last_numbers[team.id] = self.batch.last_numbers.get(team.id, 0) + 1
        at = self._began + self._days * ((index + chance.random()) / self._scale.tasks)
        done = project.status is ProjectStatus.COMPLETED
        status = TaskStatus.DONE if done else chance.choices([*_STATUSES], weights=[*_STATUSES.values()])[0]
        below = before[chance.randrange(len(before))] if before and chance.random() < 0.2 else None
        due = self._anchor.date() + timedelta(days=chance.randint(-20, 60)) if chance.random() < 0.4 else None
        return Task(
            id=self._ids(),
            created_at=at,
            updated_at=at,
            team_id=team.id,
            project_id=project.id,
            parent_id=below.id if below and below.parent_id is None else None,
            number=number,
            key=f"{team.key}-{number}",
            title=f"{chance.choice(vocabulary.ACTIONS)} {chance.choice(vocabulary.OBJECTS)} {chance.choice(vocabulary.PLACES)}",
            description=" ".join(chance.choices(vocabulary.SENTENCES, k=chance.randint(1, 5))) if chance.random() < 0.6 else None,
            status=status,
            priority=chance.choices([*_PRIORITIES], weights=[*_PRIORITIES.values()])[0],
            assignee_id=chance.choice(people) if chance.random() < 0.7 else None,
            creator_id=chance.choice(people),
            due_on=due and max(due, at.date()),
            completed_at=at if status in CLOSED else None,
            estimate=float(chance.choice((1, 2, 3, 5, 8))) if chance.random() < 0.5 else None,
            label_ids=tuple(sorted(chance.sample(self._labels, k=chance.choice((0, 0, 1, 1, 2, 3))))),
            rank=last,
        )

    def _add_comments(self, project: Project, tasks: list[Task], people: list[UUID]) -> None:
        chance = self._rng
        threads: dict[UUID, tuple[UUID, datetime]] = {}
        for _ in range(self._scale.comments if tasks else 0):
            task = chance.choice(tasks)
            parent_id, after = threads.get(task.id, (None, task.created_at))
            if chance.random() < 0.5:
                parent_id = None
            at = after + min(timedelta(minutes=chance.uniform(1, 3000)), (self._anchor - after) / 2)
            comment = Comment(
                id=self._ids(),
                created_at=at,
                updated_at=at,
                team_id=project.team_id,
                project_id=project.id,
                subject_type=task.type_name,
                subject_id=task.id,
                author_id=chance.choice(people),
                parent_id=parent_id,
                body=" ".join(chance.choices(vocabulary.SENTENCES, k=chance.randint(1, 2))),
            )
            threads[task.id] = (parent_id or comment.id, at)
            self.batch.comments.append(comment)
            if chance.random() < 0.1:
                reaction = Reaction(
                    comment_id=comment.id, user_id=chance.choice(people), emoji=chance.choice(_EMOJI), created_at=at
                )
                self.batch.reactions.append(reaction)

    def _add_links(self, tasks: list[Task]) -> None:
        """One task in twenty is linked to a later one, so that blocks never close a circle."""
        for index in range(0, len(tasks) - 10, 20):
            task, target = tasks[index], tasks[index + self._rng.randint(1, 9)]
            kind, (ours, theirs) = self._rng.choice(_LINKS), (self._ids(), self._ids())
            ends = {"task_id": task.id, "target_id": target.id}, {"task_id": target.id, "target_id": task.id}
            at = target.created_at
            self.batch.links.append(TaskLink(id=ours, twin_id=theirs, kind=kind, created_at=at, **ends[0]))
            self.batch.links.append(TaskLink(id=theirs, twin_id=ours, kind=INVERSE[kind], created_at=at, **ends[1]))

    def _log_tasks(self) -> None:
        """Of the tasks of the first teams, that they were written down."""
        if self._index < self._scale.logged_teams:
            log = SeedLog(self._ids)
            for task in sorted(self.batch.tasks, key=lambda task: task.created_at):
                log.record(TaskCreated(actor_id=task.creator_id, task=task), task.created_at)
            self.batch.entries, self.batch.heads = log.entries, log.heads()
