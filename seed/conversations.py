"""Schedules the conversations under tasks: finds tasks that they fit, and people who have them."""

import base64
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from domain.task import TaskStatus
from seed.demo_people import OWNER, PEOPLE
from seed.fixtures import Conversation
from seed.task_history import ProjectHistory
from seed.task_lifecycle import TaskLifecycle

_NAMES = {person.name: f"{person.first_name} {person.last_name}" for person in PEOPLE}
_EMOJI = ("👍", "👍", "👍", "🎉", "❤️", "👀", "🚀", "😄")
_STARTED_WEIGHTS = {TaskStatus.IN_PROGRESS: 4, TaskStatus.IN_REVIEW: 4, TaskStatus.DONE: 1}  # how often they are discussed
_TECHNICAL = frozenset({"bug", "backend", "ios", "android", "performance", "tech debt"})
_TECHNICIANS = frozenset(person.name for person in PEOPLE if person.name == OWNER or _TECHNICAL & set(person.skills))
_MAX_CONVERSATIONS_PER_TASK = 3  # conversations under one task
_MENTION = re.compile("@([abc])")


@dataclass(slots=True, kw_only=True)
class ConversationScheduler:
    """Schedules conversations. `lifecycles` are those of all tasks, each with the history of its project."""

    lifecycles: list[tuple[ProjectHistory, TaskLifecycle]]
    rng: Random
    _counts: Counter[str] = field(default_factory=Counter)

    def schedule(self, conversation: Conversation) -> None:
        """Find a task that the conversation fits, and schedule its comments and reactions."""
        chance = self.rng
        fitting = [
            (history, lifecycle)
            for history, lifecycle in self.lifecycles
            if self._counts[lifecycle.task.title] < _MAX_CONVERSATIONS_PER_TASK
            and (conversation.early or lifecycle.task.status in _STARTED_WEIGHTS)
            and conversation.topic in ("any", history.project.story.replace("_", " "), *lifecycle.task.labels)
        ]
        history, lifecycle = chance.choices(
            fitting, weights=[_STARTED_WEIGHTS.get(lifecycle.task.status, 2) for _, lifecycle in fitting]
        )[0]
        self._counts[lifecycle.task.title] += 1
        speakers = self._speakers(history, lifecycle, conversation.topic)
        first_id: UUID | None = None
        messages = self._message_times(history, lifecycle, conversation)
        for at, name, text in messages:
            speaker = history.people[speakers[name]]
            comment_id = history.simulation.ids()
            self._schedule_comment(history, lifecycle, at, comment_id, speaker, first_id, text, speakers)
            self._schedule_reactions(history, at, comment_id, speaker)
            first_id = first_id or comment_id
        if conversation.resolved and first_id:
            at, name, _ = messages[-1]
            resolved = at + min(timedelta(days=chance.uniform(0.05, 2)), (history.until - at) / 2)
            history.timeline.schedule(resolved, _resolve, history, history.people[speakers[name]], first_id)

    def _schedule_comment(
        self,
        history: ProjectHistory,
        lifecycle: TaskLifecycle,
        at: datetime,
        comment_id: UUID,
        speaker: UUID,
        first_id: UUID | None,
        text: str,
        speakers: dict[str, str],
    ) -> None:
        mentioned = {speakers[letter] for letter in _MENTION.findall(text)}
        body = _MENTION.sub(lambda found: _mention(history, speakers[found[1]]), text)
        mentions = tuple(sorted(history.people[name] for name in mentioned))
        task_id = history.ids[lifecycle.task.title]
        edited = self.rng.random() < 0.06
        history.timeline.schedule(
            at,
            history.simulation.add_comment,
            comment_id,
            speaker,
            task_id,
            body=body[:-1] if edited else body,
            mention_ids=mentions,
            parent_id=first_id,
        )
        if edited:
            history.timeline.schedule(
                at + min(timedelta(minutes=9), (history.until - at) / 2), _edit, history, speaker, comment_id, body
            )

    def _schedule_reactions(self, history: ProjectHistory, at: datetime, comment_id: UUID, speaker: UUID) -> None:
        if self.rng.random() >= 0.35:
            return
        others = sorted(set(history.people.values()) - {speaker})
        for user_id in self.rng.sample(others, k=min(len(others), self.rng.choice((1, 1, 2, 3)))):
            later = at + min(timedelta(minutes=self.rng.uniform(5, 900)), (history.until - at) * 0.9)
            history.timeline.schedule(later, history.simulation.add_reaction, user_id, comment_id, self.rng.choice(_EMOJI))

    def _speakers(self, history: ProjectHistory, lifecycle: TaskLifecycle, topic: str) -> dict[str, str]:
        """The people behind the names of a conversation; b is the assignee of the task, if there is one."""
        names = [
            name
            for name in history.people
            if name != lifecycle.task.assignee and (topic not in _TECHNICAL or name in _TECHNICIANS)
        ]
        a, b, c = self.rng.sample(names, k=3)
        if OWNER in names and OWNER not in (a, b, c) and self.rng.random() < 0.3:
            a = OWNER
        return {name: name for name in history.people} | {"a": a, "b": lifecycle.task.assignee or b, "c": c}

    def _message_times(
        self, history: ProjectHistory, lifecycle: TaskLifecycle, conversation: Conversation
    ) -> list[tuple[datetime, str, str]]:
        """The messages with their times: after the work began, minutes or hours apart, and before the end."""
        chance = self.rng
        gaps = [timedelta(hours=chance.choice((0.3, 1, 2, 5, 16)) * chance.uniform(0.5, 1.5)) for _ in conversation.messages]
        settled = lifecycle.last_moved_at if lifecycle.task.status is TaskStatus.DONE else history.until
        first, last = (
            (lifecycle.created_at, lifecycle.begun_at)
            if conversation.early and lifecycle.task.status in _STARTED_WEIGHTS
            else (lifecycle.begun_at, settled)
        )
        at = first + (last - first) * chance.uniform(0.1, 0.9)
        scale = min(1.0, (history.until - at) * 0.9 / sum(gaps, timedelta()))
        timed = []
        for gap, (name, text) in zip(gaps, conversation.messages, strict=True):
            at += gap * scale
            timed.append((at, name, text))
        return timed


def _mention(history: ProjectHistory, name: str) -> str:
    """A link to a user's global id, as front ends write it."""
    global_id = base64.b64encode(f"User:{history.people[name]}".encode()).decode()
    return f"[@{_NAMES[name]}](user:{global_id})"


def _resolve(at: datetime, history: ProjectHistory, user_id: UUID, comment_id: UUID) -> None:
    history.simulation.change_comment(at, user_id, comment_id, resolved_at=at, resolved_by_id=user_id)


def _edit(at: datetime, history: ProjectHistory, user_id: UUID, comment_id: UUID, body: str) -> None:
    history.simulation.change_comment(at, user_id, comment_id, body=body, edited_at=at)
