"""Generates the demo: a company of twelve people with two teams, six projects, some three hundred tasks and their comments."""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from domain.label import Label
from domain.permissions import Role
from domain.project import Project, ProjectStatus, ProjectVisibility
from domain.task_link import TaskLinkKind
from domain.team import Team
from domain.user import User
from seed import fixtures
from seed.batch import Batch
from seed.conversations import ConversationScheduler
from seed.demo_people import ENGINEERING, OWNER, PEOPLE, PROJECTS, TEAMS, DemoProject, DemoTeam
from seed.ids import Ids, seeded_random
from seed.simulation import Simulation
from seed.task_history import ProjectHistory
from seed.task_lifecycle import TaskLifecycle, plan_lifecycles
from seed.timeline import Timeline

__all__ = ["demo"]

_SEED = 1
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_AUDITOR, _AUDITOR_JOINED_DAYS_AGO = "viktor", 48  # days ago


def demo(anchor: datetime) -> Batch:
    """All rows of the demo. `anchor` is the start of today; everything happened before it."""
    return _Demo(anchor, seeded_random(_SEED)).batch()


class _Demo:
    def __init__(self, anchor: datetime, rng: Random) -> None:
        self._anchor = anchor
        self._rng = rng
        self._simulation = Simulation(Ids(_SEED))
        self._timeline = Timeline()
        self._people = {person.name: self._simulation.ids() for person in PEOPLE}
        self._teams: dict[str, UUID] = {}
        self._labels: dict[str, dict[str, UUID]] = {}

    def batch(self) -> Batch:
        self._schedule_registrations()
        for team in TEAMS:
            self._schedule_team(team)
        planned: list[tuple[ProjectHistory, TaskLifecycle]] = []
        for project in PROJECTS:
            history = self._schedule_project(project)
            began = self._ago(project.began_days_ago - 1)
            for lifecycle in plan_lifecycles(fixtures.read_tasks(project.story), began, history.until, self._rng):
                history.schedule_task(lifecycle)
                planned.append((history, lifecycle))
        conversations = ConversationScheduler(lifecycles=planned, rng=self._rng)
        for conversation in fixtures.read_conversations():
            conversations.schedule(conversation)
        self._schedule_links(planned)
        self._schedule_seen_marks(planned)
        self._timeline.run()
        return self._simulation.batch()

    def _ago(self, days: float) -> datetime:
        return self._anchor - days * _DAY

    def _schedule_registrations(self) -> None:
        """Everybody registers."""
        for index, person in enumerate(PEOPLE):
            days = _AUDITOR_JOINED_DAYS_AGO if person.name == _AUDITOR else ENGINEERING.founded_days_ago + 1 - 0.1 * index
            self._timeline.schedule(self._ago(days), self._register, index)

    def _register(self, at: datetime, index: int) -> None:
        person = PEOPLE[index]
        user = User(
            id=self._people[person.name],
            created_at=at,
            updated_at=at,
            first_name=person.first_name,
            last_name=person.last_name,
            email_address=person.email_address,
            email_verified_at=at,
            time_zone=person.time_zone,
            locale=person.locale,
        )
        self._simulation.register_user(at, user)

    def _schedule_team(self, team: DemoTeam) -> None:
        """A team is created with its labels, and its members join."""
        team_id = self._teams[team.key] = self._simulation.ids()
        at = self._ago(team.founded_days_ago - 0.5)
        self._timeline.schedule(at, self._create_team, team, team_id)
        self._labels[team.key] = {name: self._simulation.ids() for name in team.labels}
        for index, (name, color) in enumerate(team.labels.items()):
            self._timeline.schedule(at + (5 + index) * _MINUTE, self._add_label, team, name, color)
        for index, (name, role) in enumerate(team.roles.items()):
            if role is not Role.OWNER:
                joined = self._ago(_AUDITOR_JOINED_DAYS_AGO - 0.2) if name == _AUDITOR else at + (30 + 90 * index) * _MINUTE
                self._timeline.schedule(joined, self._simulation.join_team, team_id, self._people[name], role)

    def _create_team(self, at: datetime, demo_team: DemoTeam, team_id: UUID) -> None:
        team = Team(
            id=team_id,
            created_at=at,
            updated_at=at,
            name=demo_team.name,
            key=demo_team.key,
            description=demo_team.description,
            owner_id=self._people[demo_team.owner],
        )
        self._simulation.create_team(at, team)

    def _add_label(self, at: datetime, team: DemoTeam, name: str, color: str) -> None:
        label_id = self._labels[team.key][name]
        label = Label(id=label_id, created_at=at, updated_at=at, team_id=self._teams[team.key], name=name, color=color)
        self._simulation.add_label(at, self._people[team.owner], label)

    def _schedule_project(self, project: DemoProject) -> ProjectHistory:
        """A project begins, and ends with its story."""
        project_id, team = self._simulation.ids(), project.team
        until = self._ago(project.ended_days_ago)
        self._timeline.schedule(self._ago(project.began_days_ago), self._create_project, project, project_id)
        if project.status is not ProjectStatus.ACTIVE:
            ends = until + 2 * _DAY
            lead = self._people[project.lead]
            self._timeline.schedule(
                ends, self._simulation.change_project, lead, project_id, status=project.status, end_on=ends.date()
            )
        members = {team.owner, project.lead, *project.added_members}
        private = project.visibility is ProjectVisibility.PRIVATE
        seeing = [name for name, role in team.roles.items() if name in members or not (private or role is Role.GUEST)]
        return ProjectHistory(
            simulation=self._simulation,
            timeline=self._timeline,
            rng=self._rng,
            today=self._anchor.date(),
            project=project,
            project_id=project_id,
            people={name: self._people[name] for name in seeing},
            labels=self._labels[team.key],
            until=until,
        )

    def _create_project(self, at: datetime, demo_project: DemoProject, project_id: UUID) -> None:
        team = demo_project.team
        project = Project(
            id=project_id,
            created_at=at,
            updated_at=at,
            team_id=self._teams[team.key],
            name=demo_project.name,
            description=demo_project.description,
            visibility=demo_project.visibility,
            start_on=at.date(),
            end_on=None if demo_project.due_days_ago is None else self._ago(demo_project.due_days_ago).date(),
            lead_id=self._people[demo_project.lead],
            creator_id=self._people[team.owner],
        )
        self._simulation.create_project(at, project, [self._people[name] for name in demo_project.added_members])

    def _schedule_links(self, planned: list[tuple[ProjectHistory, TaskLifecycle]]) -> None:
        """The links of the story, each some time after both tasks were created."""
        by_title = {lifecycle.task.title: (history, lifecycle) for history, lifecycle in planned}
        for title, kind, target_title in fixtures.read_links():
            (history, lifecycle), (other, target) = by_title[title], by_title[target_title]
            both_exist_at = max(lifecycle.created_at, target.created_at)
            at = both_exist_at + (history.until - both_exist_at) * self._rng.uniform(0.05, 0.5)
            actor = self._people[history.project.lead]
            ends = history.ids[title], other.ids[target_title]
            self._timeline.schedule(at, self._link_tasks, actor, kind, *ends)

    def _link_tasks(self, at: datetime, actor_id: UUID, kind: TaskLinkKind, task_id: UUID, target_id: UUID) -> None:
        self._simulation.link_tasks(at, actor_id, task_id, kind, target_id)

    def _schedule_seen_marks(self, planned: list[tuple[ProjectHistory, TaskLifecycle]]) -> None:
        """The demo user has seen everything but the last days."""
        seen = [history.ids[lifecycle.task.title] for history, lifecycle in planned]
        self._timeline.schedule(self._ago(2.5), self._simulation.mark_seen, self._people[OWNER], seen)
