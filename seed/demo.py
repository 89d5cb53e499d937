"""A believable company of twelve: two teams, six projects, some three hundred tasks and what was said about them."""

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
from seed.conversations import Talk
from seed.copy_rows import Batch
from seed.demo_people import CREWS, DEMO_EMAIL, ENGINEERING, OWNER, PEOPLE, UNDERTAKINGS, Crew, Undertaking
from seed.ids import Ids, dice
from seed.simulation import World
from seed.task_history import Telling
from seed.task_lifecycle import Plan, plans
from seed.timeline import Chronicle

__all__ = ["DEMO_EMAIL", "demo"]

_SEED = 1
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_AUDITOR, _AUDITOR_CAME = "viktor", 48  # days ago


def demo(anchor: datetime) -> Batch:
    """All rows of the demo. `anchor` is the start of the day that is today; everything happened before."""
    return _Demo(anchor, dice(_SEED)).batch()


class _Demo:
    def __init__(self, anchor: datetime, chance: Random) -> None:
        self._anchor = anchor
        self._chance = chance
        self._world = World(Ids(_SEED))
        self._chronicle = Chronicle()
        self._people = {person.name: self._world.ids() for person in PEOPLE}
        self._teams: dict[str, UUID] = {}
        self._labels: dict[str, dict[str, UUID]] = {}

    def batch(self) -> Batch:
        self._arrive()
        for crew in CREWS:
            self._found(crew)
        told: list[tuple[Telling, Plan]] = []
        for undertaking in UNDERTAKINGS:
            telling = self._begin(undertaking)
            began = self._ago(undertaking.began - 1)
            for plan in plans(fixtures.outline(undertaking.story), began, telling.until, self._chance):
                telling.tell(plan)
                told.append((telling, plan))
        talk = Talk(plans=told, chance=self._chance)
        for conversation in fixtures.conversations():
            talk.hold(conversation)
        self._link(told)
        self._look(told)
        self._chronicle.play()
        return self._world.batch()

    def _ago(self, days: float) -> datetime:
        return self._anchor - days * _DAY

    def _arrive(self) -> None:
        """Everybody makes an account."""
        for index, person in enumerate(PEOPLE):
            days = _AUDITOR_CAME if person.name == _AUDITOR else ENGINEERING.founded + 1 - 0.1 * index
            self._chronicle.note(self._ago(days), self._register, index)

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
        self._world.register(at, user)

    def _found(self, crew: Crew) -> None:
        """A team is founded, makes its labels, and the others join."""
        team_id = self._teams[crew.key] = self._world.ids()
        at = self._ago(crew.founded - 0.5)
        self._chronicle.note(at, self._found_team, crew, team_id)
        self._labels[crew.key] = {name: self._world.ids() for name in crew.labels}
        for index, (name, color) in enumerate(crew.labels.items()):
            self._chronicle.note(at + (5 + index) * _MINUTE, self._add_label, crew, name, color)
        for index, (name, role) in enumerate(crew.roles.items()):
            if role is not Role.OWNER:
                joined = self._ago(_AUDITOR_CAME - 0.2) if name == _AUDITOR else at + (30 + 90 * index) * _MINUTE
                self._chronicle.note(joined, self._world.join, team_id, self._people[name], role)

    def _found_team(self, at: datetime, crew: Crew, team_id: UUID) -> None:
        team = Team(
            id=team_id,
            created_at=at,
            updated_at=at,
            name=crew.name,
            key=crew.key,
            description=crew.description,
            owner_id=self._people[crew.owner],
        )
        self._world.found(at, team)

    def _add_label(self, at: datetime, crew: Crew, name: str, color: str) -> None:
        label_id = self._labels[crew.key][name]
        label = Label(id=label_id, created_at=at, updated_at=at, team_id=self._teams[crew.key], name=name, color=color)
        self._world.add_label(at, self._people[crew.owner], label)

    def _begin(self, undertaking: Undertaking) -> Telling:
        """A project is started, and ends where its story does."""
        project_id, crew = self._world.ids(), undertaking.crew
        until = self._ago(undertaking.ended)
        self._chronicle.note(self._ago(undertaking.began), self._start, undertaking, project_id)
        if undertaking.status is not ProjectStatus.ACTIVE:
            ends = until + 2 * _DAY
            lead = self._people[undertaking.lead]
            self._chronicle.note(
                ends, self._world.change_project, lead, project_id, status=undertaking.status, end_on=ends.date()
            )
        members = {crew.owner, undertaking.lead, *undertaking.added}
        private = undertaking.visibility is ProjectVisibility.PRIVATE
        seeing = [name for name, role in crew.roles.items() if name in members or not (private or role is Role.GUEST)]
        return Telling(
            world=self._world,
            chronicle=self._chronicle,
            chance=self._chance,
            today=self._anchor.date(),
            undertaking=undertaking,
            project_id=project_id,
            people={name: self._people[name] for name in seeing},
            labels=self._labels[crew.key],
            until=until,
        )

    def _start(self, at: datetime, undertaking: Undertaking, project_id: UUID) -> None:
        crew = undertaking.crew
        project = Project(
            id=project_id,
            created_at=at,
            updated_at=at,
            team_id=self._teams[crew.key],
            name=undertaking.name,
            description=undertaking.description,
            visibility=undertaking.visibility,
            start_on=at.date(),
            end_on=None if undertaking.due is None else self._ago(undertaking.due).date(),
            lead_id=self._people[undertaking.lead],
            creator_id=self._people[crew.owner],
        )
        self._world.start(at, project, [self._people[name] for name in undertaking.added])

    def _link(self, told: list[tuple[Telling, Plan]]) -> None:
        """The links of the story, each some time after both tasks are there."""
        by_title = {plan.told.title: (telling, plan) for telling, plan in told}
        for title, kind, target_title in fixtures.links():
            (telling, plan), (other, target) = by_title[title], by_title[target_title]
            there = max(plan.created_at, target.created_at)
            at = there + (telling.until - there) * self._chance.uniform(0.05, 0.5)
            actor = self._people[telling.undertaking.lead]
            ends = telling.ids[title], other.ids[target_title]
            self._chronicle.note(at, self._link_both, actor, kind, *ends)

    def _link_both(self, at: datetime, actor_id: UUID, kind: TaskLinkKind, task_id: UUID, target_id: UUID) -> None:
        self._world.link(at, actor_id, task_id, kind, target_id)

    def _look(self, told: list[tuple[Telling, Plan]]) -> None:
        """The demo user has seen everything but what happened of late."""
        seen = [telling.ids[plan.told.title] for telling, plan in told]
        self._chronicle.note(self._ago(2.5), self._world.see, self._people[OWNER], seen)
