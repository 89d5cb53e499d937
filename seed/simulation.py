"""Simulates a history: does to dataclasses in memory, at given instants, what the domain does in the database.

Its events are recorded as the domain records them, so rows and log agree by construction. Call it in the order of time.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import rank
from domain.comment import Comment, CommentCreated, CommentReacted, CommentUpdated
from domain.events import Event, team_stream
from domain.label import Label, LabelCreated
from domain.permissions import Role
from domain.project import Project, ProjectCreated, ProjectJoined, ProjectMembersChanged, ProjectUpdated
from domain.task import CLOSED, Task, TaskCreated, TaskMoved, TaskStatus, TaskUpdated
from domain.task_link import INVERSE, TaskLink, TaskLinked, TaskLinkKind
from domain.team import MembershipChanged, Team, TeamCreated, TeamJoined
from domain.user import User, UserRegistered
from domain.version import with_changes
from seed.batch import Batch, ProjectMembership, Reaction, SeedMembership, SeenMark, Watcher
from seed.event_log import SeedLog
from seed.ids import Ids


class Simulation:
    """Everything that there is at one instant, and the log of how it came about."""

    def __init__(self, ids: Ids) -> None:
        self.ids = ids
        self._log = SeedLog(ids)
        self._users: list[User] = []
        self._teams: dict[UUID, Team] = {}
        self._numbers: dict[UUID, int] = {}
        self._members: list[SeedMembership] = []
        self._labels: list[Label] = []
        self._projects: dict[UUID, Project] = {}
        self._project_members: list[ProjectMembership] = []
        self._tasks: dict[UUID, Task] = {}
        self._ranks: dict[UUID, list[str]] = {}
        self._links: list[TaskLink] = []
        self._comments: dict[UUID, Comment] = {}
        self._reactions: dict[tuple[UUID, UUID, str], Reaction] = {}
        self._watchers: dict[tuple[UUID, UUID], Watcher] = {}
        self._seen_marks: list[SeenMark] = []

    def register_user(self, at: datetime, user: User) -> None:
        """A user registers."""
        self._users.append(user)
        self._log.record(UserRegistered(actor_id=user.id, user=user), at)

    def create_team(self, at: datetime, team: Team) -> None:
        """The owner founds a team."""
        self._teams[team.id], self._numbers[team.id] = team, 0
        self._members.append(SeedMembership(team_id=team.id, user_id=team.owner_id, role=Role.OWNER, joined_at=at))
        self._record(at, TeamCreated(actor_id=team.owner_id, team=team))
        self._record(at, TeamJoined(actor_id=team.owner_id, team=team, user_id=team.owner_id))

    def join_team(self, at: datetime, team_id: UUID, user_id: UUID, role: Role) -> None:
        """A user accepts an invitation."""
        team, position = self._teams[team_id], self._log.head(team_stream(team_id))
        self._members.append(SeedMembership(team_id=team_id, user_id=user_id, role=role, joined_at=at, joined_position=position))
        self._record(at, MembershipChanged(actor_id=user_id, team=team, user_id=user_id, before=None, after=role))
        self._record(at, TeamJoined(actor_id=user_id, team=team, user_id=user_id))

    def add_label(self, at: datetime, actor_id: UUID, label: Label) -> None:
        """A label is created."""
        self._labels.append(label)
        self._record(at, LabelCreated(actor_id=actor_id, label=label))

    def create_project(self, at: datetime, project: Project, members: Iterable[UUID]) -> None:
        """A project is started, and people are added to it: those, besides its creator and its lead."""
        creator_id, lead_id = project.creator_id, project.lead_id
        assert creator_id is not None
        assert lead_id is not None
        self._projects[project.id], self._ranks[project.id] = project, []
        first = sorted({creator_id, lead_id})
        added = sorted(set(members) - set(first))
        for user_id in (*first, *added):
            self._project_members.append(ProjectMembership(project_id=project.id, user_id=user_id, joined_at=at))
        self._record(at, ProjectCreated(actor_id=creator_id, project=project))
        if added:
            self._record(at, ProjectMembersChanged(actor_id=creator_id, project=project, added=tuple(added), removed=()))
        for user_id in (*first, *added):
            if user_id != creator_id:
                self._record(at, ProjectJoined(actor_id=creator_id, project=project, user_id=user_id))

    def change_project(self, at: datetime, /, actor_id: UUID, project_id: UUID, **changes: Any) -> None:
        """A project gets other attributes."""
        before = self._projects[project_id]
        project = self._projects[project_id] = with_changes(before, at, **changes)
        self._record(at, ProjectUpdated(actor_id=actor_id, project=project, before=before))

    def create_task(self, at: datetime, /, actor_id: UUID, task_id: UUID, project_id: UUID, **attributes: Any) -> None:
        """A task is written down, at the end of its project."""
        project, ranks = self._projects[project_id], self._ranks[project_id]
        number = self._numbers[project.team_id] = self._numbers[project.team_id] + 1
        ranks.append(rank.between(ranks[-1] if ranks else None, None))
        task = self._tasks[task_id] = Task(
            id=task_id,
            created_at=at,
            updated_at=at,
            team_id=project.team_id,
            project_id=project.id,
            number=number,
            key=f"{self._teams[project.team_id].key}-{number}",
            creator_id=actor_id,
            rank=ranks[-1],
            **attributes,
        )
        self.watch(at, task_id, actor_id, task.assignee_id)
        self._record(at, TaskCreated(actor_id=actor_id, task=task))

    def change_task(self, at: datetime, /, actor_id: UUID, task_id: UUID, **changes: Any) -> None:
        """A task gets other attributes; where it has them nothing happens."""
        before = self._tasks[task_id]
        task = with_changes(before, at, **self._with_completed_at(at, before, changes))
        if task is not before:
            self._tasks[task_id] = task
            self.watch(at, task_id, task.assignee_id)
            self._record(at, TaskUpdated(actor_id=actor_id, task=task, before=before))

    def move_task(
        self, at: datetime, actor_id: UUID, task_id: UUID, relative_position: float, status: TaskStatus | None = None
    ) -> None:
        """A task is dragged to a rank, `relative_position` of the way down its project, and to a status."""
        before = self._tasks[task_id]
        ranks = self._ranks[before.project_id]
        del ranks[bisect_left(ranks, before.rank)]
        place = int(relative_position * len(ranks))
        low, high = ranks[place - 1] if place else None, ranks[place] if place < len(ranks) else None
        stays = (low is None or low < before.rank) and (high is None or before.rank < high)
        changes: dict[str, Any] = {"rank": before.rank if stays else rank.between(low, high)}
        insort(ranks, changes["rank"])
        if status is not None:
            changes["status"] = status
        task = with_changes(before, at, **self._with_completed_at(at, before, changes))
        if task is not before:
            self._tasks[task_id] = task
            self._record(at, TaskMoved(actor_id=actor_id, task=task, before=before))

    def link_tasks(self, at: datetime, actor_id: UUID, task_id: UUID, kind: TaskLinkKind, target_id: UUID) -> None:
        """Two tasks are linked; both sides are stored and recorded."""
        ours, theirs = self.ids(), self.ids()
        forth = TaskLink(id=ours, twin_id=theirs, task_id=task_id, target_id=target_id, kind=kind, created_at=at)
        back = TaskLink(id=theirs, twin_id=ours, task_id=target_id, target_id=task_id, kind=INVERSE[kind], created_at=at)
        for side in (forth, back):
            self._links.append(side)
            self._record(at, TaskLinked(actor_id=actor_id, task=self._tasks[side.task_id], link=side))

    def add_comment(self, at: datetime, /, comment_id: UUID, author_id: UUID, task_id: UUID, **attributes: Any) -> None:
        """A user comments on a task: `body`, `mention_ids`, and `parent_id` of a reply."""
        task = self._tasks[task_id]
        comment = self._comments[comment_id] = Comment(
            id=comment_id,
            created_at=at,
            updated_at=at,
            team_id=task.team_id,
            project_id=task.project_id,
            subject_type=task.type_name,
            subject_id=task.id,
            author_id=author_id,
            **attributes,
        )
        self.watch(at, task_id, author_id, *comment.mention_ids)
        self._record(at, CommentCreated(actor_id=author_id, comment=comment))

    def change_comment(self, at: datetime, /, actor_id: UUID, comment_id: UUID, **changes: Any) -> None:
        """A comment is edited or resolved."""
        before = self._comments[comment_id]
        comment = self._comments[comment_id] = with_changes(before, at, **changes)
        self._record(at, CommentUpdated(actor_id=actor_id, comment=comment, before=before))

    def add_reaction(self, at: datetime, user_id: UUID, comment_id: UUID, emoji: str) -> None:
        """A user reacts to a comment."""
        reaction = Reaction(comment_id=comment_id, user_id=user_id, emoji=emoji, created_at=at)
        self._reactions[comment_id, user_id, emoji] = reaction
        self._record(at, CommentReacted(actor_id=user_id, comment=self._comments[comment_id], emoji=emoji, on=True))

    def watch(self, at: datetime, task_id: UUID, *user_ids: UUID | None) -> None:
        """People watch a task from now on; those who do already go on."""
        for user_id in sorted({user_id for user_id in user_ids if user_id is not None}):
            watcher = Watcher(subject_id=task_id, subject_type=Task.type_name, user_id=user_id, created_at=at)
            self._watchers.setdefault((task_id, user_id), watcher)

    def mark_seen(self, at: datetime, user_id: UUID, task_ids: Iterable[UUID]) -> None:
        """A user sees those of the tasks that exist."""
        for task_id in task_ids:
            if task_id in self._tasks:
                stream = team_stream(self._tasks[task_id].team_id)
                mark = SeenMark(user_id=user_id, subject_id=task_id, stream=stream, position=self._log.head(stream), at=at)
                self._seen_marks.append(mark)

    def batch(self) -> Batch:
        """All rows as they are now."""
        return Batch(
            users=self._users,
            teams=list(self._teams.values()),
            last_numbers=self._numbers,
            members=self._members,
            labels=self._labels,
            projects=list(self._projects.values()),
            project_members=self._project_members,
            tasks=list(self._tasks.values()),
            links=self._links,
            comments=list(self._comments.values()),
            reactions=list(self._reactions.values()),
            watchers=list(self._watchers.values()),
            seen_marks=self._seen_marks,
            heads=self._log.heads(),
            entries=self._log.entries,
        )

    def _record(self, at: datetime, event: Event) -> None:
        self._log.record(event, at)

    @staticmethod
    def _with_completed_at(at: datetime, before: Task, changes: dict[str, Any]) -> dict[str, Any]:
        status = changes.get("status", before.status)
        if status not in CLOSED:
            return changes | {"completed_at": None}
        return changes | {"completed_at": before.completed_at if before.status in CLOSED else at}
