"""Schedules the history of a project's tasks from their lifecycles: they are created, assigned, changed and moved."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from domain.permissions import Role
from domain.task import CLOSED, TaskPriority, TaskStatus
from seed.demo_people import OWNER, PEOPLE, DemoProject
from seed.simulation import Simulation
from seed.task_lifecycle import TaskLifecycle
from seed.timeline import Timeline

_SKILLS = {person.name: frozenset(person.skills) for person in PEOPLE}
_STARTED_STATUSES = frozenset({TaskStatus.IN_PROGRESS, TaskStatus.IN_REVIEW})
_ASSIGNED_SHARE = {TaskStatus.BACKLOG: 0.12, TaskStatus.TODO: 0.55, TaskStatus.CANCELED: 0.3}
_PRIORITIES = {TaskPriority.NONE: 25, TaskPriority.LOW: 25, TaskPriority.MEDIUM: 45, TaskPriority.HIGH: 5}
_ESTIMATES = (1.0, 2.0, 3.0, 5.0)
_DESCRIPTIONS = {
    "bug": (
        "Reported by support, seen on the current release only.\n\n**Done when** a test fails without the fix.",
        "Steps are in the thread below. It does not happen on every device.\n\n- [ ] Reproduce\n- [ ] Test\n- [ ] Fix",
        "Came in through the crash reports. About twenty people a day are affected.",
    ),
    "feature": (
        "Asked for by nine studios in the last round of interviews.\n\n"
        "**Not part of this**: settings. One good default is enough.",
        "- [ ] Sketch\n- [ ] Behind a switch\n- [ ] Try it with two studios\n- [ ] Texts\n- [ ] Switch it on",
        "Small for us, large for those who do it twenty times a day. The sketch is in the project's folder.",
    ),
    "backend": (
        "Old and new side by side for one release, then the old one goes.\n\nMind the two largest studios when measuring.",
        "Must be safe to run twice. Add a metric, so that we see whether anybody waits.",
    ),
    "performance": ("Measure first, on the slow phone. Write the numbers of before and after into a comment.",),
    "security": (
        "Details are in the auditors' report. Please keep them out of titles and branch names.",
        "Finding of last year, *medium*, due within a quarter.",
        "**Done when** it is written into the runbook and somebody who wasn't there has tried it.",
    ),
    "tech debt": ("Nobody will notice when it's done, except us, every week.",),
    "component": (
        "With all states, in both themes, with one example that is right and one that is wrong.",
        "Start from the three screens that use it most; the others follow when they are touched anyway.",
    ),
    "accessibility": (
        "Test with keyboard, VoiceOver and TalkBack. Note what was read aloud, word for word.",
        "We have two testers with low vision on Thursdays.",
    ),
}
_MAX_SAME_DESCRIPTION = 2  # tasks of a project with the same description


@dataclass(slots=True, kw_only=True)
class ProjectHistory:
    """Schedules the history of one project. `people` are the ids of those who see the project, by name."""

    simulation: Simulation
    timeline: Timeline
    rng: Random
    today: date
    project: DemoProject
    project_id: UUID
    people: dict[str, UUID]
    labels: dict[str, UUID]
    until: datetime
    ids: dict[str, UUID] = field(default_factory=dict)
    _description_counts: Counter[str] = field(default_factory=Counter)

    def schedule_task(self, lifecycle: TaskLifecycle) -> None:
        """Schedule the lifecycle of one task."""
        story, chance = lifecycle.task, self.rng
        task_id = self.ids[story.title] = self.simulation.ids()
        assignee = self._assignee(lifecycle)
        priority = story.priority or chance.choices([*_PRIORITIES], weights=[*_PRIORITIES.values()])[0]
        begun = lifecycle.begun_at.date() if lifecycle.begun_at != lifecycle.created_at and chance.random() < 0.4 else None
        attributes: dict[str, Any] = {
            "title": story.title,
            "parent_id": self.ids[lifecycle.parent.task.title] if lifecycle.parent else None,
            "description": story.description or self._description(lifecycle),
            "status": lifecycle.first_status,
            "priority": priority,
            "assignee_id": assignee and self.people[assignee],
            "due_on": self._due(lifecycle),
            "estimate": story.estimate or (chance.choice(_ESTIMATES) if chance.random() < 0.4 else None),
            "label_ids": tuple(sorted(self.labels[name] for name in story.labels)),
        }
        attributes["start_on"] = begun if begun and begun <= (attributes["due_on"] or begun) else None
        later = self._deferred_attributes(lifecycle, attributes)
        self.timeline.schedule(
            lifecycle.created_at, self.simulation.create_task, self._author(assignee), task_id, self.project_id, **attributes
        )
        worker = self.people[assignee if assignee and self._may_write(assignee) else self.project.lead]
        for name, value in later.items():
            at = lifecycle.created_at + (lifecycle.begun_at - lifecycle.created_at) * chance.uniform(0.2, 0.95)
            self.timeline.schedule(at, self.simulation.change_task, self._author(assignee), task_id, **{name: value})
        for at, status in lifecycle.moves:
            if chance.random() < 0.35:
                self.timeline.schedule(at, self.simulation.move_task, worker, task_id, chance.random(), status)
            else:
                self.timeline.schedule(at, self.simulation.change_task, worker, task_id, status=status)
        if story.status not in CLOSED and chance.random() < 0.15:
            at = lifecycle.last_moved_at + (self.until - lifecycle.last_moved_at) * chance.uniform(0.1, 0.9)
            self.timeline.schedule(at, self.simulation.move_task, self.people[self.project.lead], task_id, chance.random() / 2)

    def _deferred_attributes(self, lifecycle: TaskLifecycle, attributes: dict[str, Any]) -> dict[str, Any]:
        """The attributes that are set only after the task was created; they are removed from `attributes`."""
        chance = self.rng
        later: dict[str, Any] = {}
        if lifecycle.begun_at == lifecycle.created_at:
            return later
        if attributes["assignee_id"] and chance.random() < 0.5:
            later["assignee_id"], attributes["assignee_id"] = attributes["assignee_id"], None
        if attributes["priority"] in (TaskPriority.HIGH, TaskPriority.URGENT) and chance.random() < 0.4:
            later["priority"], attributes["priority"] = attributes["priority"], TaskPriority.MEDIUM
        if attributes["due_on"] and chance.random() < 0.25:
            later["due_on"], attributes["due_on"] = attributes["due_on"], None
        if attributes["estimate"] and chance.random() < 0.25:
            later["estimate"], attributes["estimate"] = attributes["estimate"], None
        return later

    def _author(self, assignee: str | None) -> UUID:
        """The user who creates or changes a task: the lead more often than others."""
        weights = {name: 1 for name in self.people if self._may_write(name)}
        weights |= {OWNER: 3, self.project.lead: 5}
        if assignee in weights:
            weights[assignee] += 2
        return self.people[self.rng.choices([*weights], weights=[*weights.values()])[0]]

    def _may_write(self, name: str) -> bool:
        return self.project.team.roles[name] is not Role.GUEST

    def _assignee(self, lifecycle: TaskLifecycle) -> str | None:
        if lifecycle.task.assignee is not None:
            return lifecycle.task.assignee
        if self.rng.random() >= _ASSIGNED_SHARE.get(lifecycle.task.status, 1.0):
            return None
        skilled = [name for name in self.people if _SKILLS[name] & set(lifecycle.task.labels) and self._may_write(name)]
        return self.rng.choice([*skilled, *skilled, OWNER, self.project.lead])

    def _description(self, lifecycle: TaskLifecycle) -> str | None:
        if self.rng.random() >= (0.6 if lifecycle.parent is None else 0.3):
            return None
        texts = [text for label in lifecycle.task.labels for text in _DESCRIPTIONS.get(label, ())]
        fitting = [text for text in texts if self._description_counts[text] < _MAX_SAME_DESCRIPTION]
        text = self.rng.choice(fitting) if fitting else None
        self._description_counts.update([text] if text else [])
        return text

    def _due(self, lifecycle: TaskLifecycle) -> date | None:
        """Around today for open tasks, around the day of closing for others; never before the task was created."""
        chance, status = self.rng, lifecycle.task.status
        if status is TaskStatus.CANCELED:
            return None
        if status is TaskStatus.DONE:
            day = lifecycle.last_moved_at.date() + timedelta(days=chance.randint(-2, 6)) if chance.random() < 0.6 else None
        elif status in _STARTED_STATUSES:
            near = chance.choices([chance.randint(-6, -1), chance.randint(0, 2), chance.randint(3, 12)], weights=[25, 30, 45])
            day = self.today + timedelta(days=near[0]) if chance.random() < 0.85 else None
        elif status is TaskStatus.TODO:
            day = self.today + timedelta(days=chance.randint(-3, 24)) if chance.random() < 0.55 else None
        else:
            day = self.today + timedelta(days=chance.randint(20, 70)) if chance.random() < 0.1 else None
        return max(day, lifecycle.created_at.date()) if day else None
