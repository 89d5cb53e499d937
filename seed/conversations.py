"""Who says what under which task: the conversations find tasks that they fit, and people to hold them."""

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
from seed.task_history import Telling
from seed.task_lifecycle import Plan

_NAMES = {person.name: f"{person.first_name} {person.last_name}" for person in PEOPLE}
_EMOJI = ("👍", "👍", "👍", "🎉", "❤️", "👀", "🚀", "😄")
_BEGUN = {TaskStatus.IN_PROGRESS: 4, TaskStatus.IN_REVIEW: 4, TaskStatus.DONE: 1}  # how often they are talked about
_TECHNICAL = frozenset({"bug", "backend", "ios", "android", "performance", "tech debt"})
_TECHNICIANS = frozenset(person.name for person in PEOPLE if person.name == OWNER or _TECHNICAL & set(person.skills))
_MOST = 3  # conversations under one task
_SPOKEN_TO = re.compile("@([abc])")


@dataclass(slots=True, kw_only=True)
class Talk:
    """Conversations being noted in the chronicle. `plans` are all tasks, each with the project that it is told in."""

    plans: list[tuple[Telling, Plan]]
    chance: Random
    _held: Counter[str] = field(default_factory=Counter)

    def hold(self, conversation: Conversation) -> None:
        """Find a task that the conversation fits, and note who says what, and who likes it."""
        chance = self.chance
        fitting = [
            (telling, plan)
            for telling, plan in self.plans
            if self._held[plan.told.title] < _MOST
            and (conversation.early or plan.told.status in _BEGUN)
            and conversation.topic in ("any", telling.undertaking.story.replace("_", " "), *plan.told.labels)
        ]
        telling, plan = chance.choices(fitting, weights=[_BEGUN.get(plan.told.status, 2) for _, plan in fitting])[0]
        self._held[plan.told.title] += 1
        speakers = self._speakers(telling, plan, conversation.topic)
        first_id: UUID | None = None
        messages = self._timed(telling, plan, conversation)
        for at, name, text in messages:
            speaker = telling.people[speakers[name]]
            comment_id = telling.world.ids()
            self._say(telling, plan, at, comment_id, speaker, first_id, text, speakers)
            self._react(telling, at, comment_id, speaker)
            first_id = first_id or comment_id
        if conversation.resolved and first_id:
            at, name, _ = messages[-1]
            resolved = at + min(timedelta(days=chance.uniform(0.05, 2)), (telling.until - at) / 2)
            telling.chronicle.note(resolved, _resolve, telling, telling.people[speakers[name]], first_id)

    def _say(
        self,
        telling: Telling,
        plan: Plan,
        at: datetime,
        comment_id: UUID,
        speaker: UUID,
        first_id: UUID | None,
        text: str,
        speakers: dict[str, str],
    ) -> None:
        spoken_to = {speakers[letter] for letter in _SPOKEN_TO.findall(text)}
        body = _SPOKEN_TO.sub(lambda found: _mention(telling, speakers[found[1]]), text)
        mentions = tuple(sorted(telling.people[name] for name in spoken_to))
        task_id = telling.ids[plan.told.title]
        edited = self.chance.random() < 0.06
        telling.chronicle.note(
            at,
            telling.world.comment,
            comment_id,
            speaker,
            task_id,
            body=body[:-1] if edited else body,
            mention_ids=mentions,
            parent_id=first_id,
        )
        if edited:
            telling.chronicle.note(
                at + min(timedelta(minutes=9), (telling.until - at) / 2), _edit, telling, speaker, comment_id, body
            )

    def _react(self, telling: Telling, at: datetime, comment_id: UUID, speaker: UUID) -> None:
        if self.chance.random() >= 0.35:
            return
        others = sorted(set(telling.people.values()) - {speaker})
        for user_id in self.chance.sample(others, k=min(len(others), self.chance.choice((1, 1, 2, 3)))):
            later = at + min(timedelta(minutes=self.chance.uniform(5, 900)), (telling.until - at) * 0.9)
            telling.chronicle.note(later, telling.world.react, user_id, comment_id, self.chance.choice(_EMOJI))

    def _speakers(self, telling: Telling, plan: Plan, topic: str) -> dict[str, str]:
        """Who speaks by which name. b is the one who works on the task, where somebody does."""
        names = [
            name for name in telling.people if name != plan.told.assignee and (topic not in _TECHNICAL or name in _TECHNICIANS)
        ]
        a, b, c = self.chance.sample(names, k=3)
        if OWNER in names and OWNER not in (a, b, c) and self.chance.random() < 0.3:
            a = OWNER
        return {name: name for name in telling.people} | {"a": a, "b": plan.told.assignee or b, "c": c}

    def _timed(self, telling: Telling, plan: Plan, conversation: Conversation) -> list[tuple[datetime, str, str]]:
        """The messages with their times: some time after the work began, with minutes or hours in between, before the end."""
        chance = self.chance
        gaps = [timedelta(hours=chance.choice((0.3, 1, 2, 5, 16)) * chance.uniform(0.5, 1.5)) for _ in conversation.messages]
        settled = plan.settled_at if plan.told.status is TaskStatus.DONE else telling.until
        first, last = (
            (plan.created_at, plan.begun_at) if conversation.early and plan.told.status in _BEGUN else (plan.begun_at, settled)
        )
        at = first + (last - first) * chance.uniform(0.1, 0.9)
        hurry = min(1.0, (telling.until - at) * 0.9 / sum(gaps, timedelta()))
        timed = []
        for gap, (name, text) in zip(gaps, conversation.messages, strict=True):
            at += gap * hurry
            timed.append((at, name, text))
        return timed


def _mention(telling: Telling, name: str) -> str:
    """A link to a user's global id, as front ends write it."""
    global_id = base64.b64encode(f"User:{telling.people[name]}".encode()).decode()
    return f"[@{_NAMES[name]}](user:{global_id})"


def _resolve(at: datetime, telling: Telling, user_id: UUID, comment_id: UUID) -> None:
    telling.world.change_comment(at, user_id, comment_id, resolved_at=at, resolved_by_id=user_id)


def _edit(at: datetime, telling: Telling, user_id: UUID, comment_id: UUID, body: str) -> None:
    telling.world.change_comment(at, user_id, comment_id, body=body, edited_at=at)
