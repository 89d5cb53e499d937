"""Reads stories: the tasks and conversations of the demo, written as text in `stories/`.

A story is an outline; a line that is indented by two more spaces is a sub-task of the line above:

    x A task that is done #label !priority ~estimate @assignee
      | A line of its description.
      > A sub-task in progress

The status marks are those of `_STATUS`. What a line does not say is chosen at random.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from domain.task import TaskPriority, TaskStatus
from domain.task_link import TaskLinkKind

_FOLDER = Path(__file__).with_name("stories")
_STATUS = {
    ".": TaskStatus.BACKLOG,
    "o": TaskStatus.TODO,
    ">": TaskStatus.IN_PROGRESS,
    "?": TaskStatus.IN_REVIEW,
    "x": TaskStatus.DONE,
    "-": TaskStatus.CANCELED,
}
_LINE = re.compile(r"(?P<indent> *)(?P<mark>[.o>?x|-])(?: (?P<text>.*))?")
_REMARK = re.compile(r"(?P<text>.*) (?P<sign>[#!~@])(?P<word>[\w.-]+)")
_HEADING = re.compile(r"\[(?P<topic>[a-z ]+?)(?P<early> early)?(?P<resolved> resolved)?\]")


@dataclass(slots=True, kw_only=True)
class StoryTask:
    """A task of a story; `parent` is the index of its parent in the story, `assignee` a first name in lower case."""

    title: str
    status: TaskStatus
    parent: int | None
    labels: tuple[str, ...]
    priority: TaskPriority | None
    estimate: float | None
    assignee: str | None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A thread of messages, each with its speaker (a name, or one of a, b and c); `@c` in a text mentions c.

    `topic` is a label, or a story, or "any"; an `early` one takes place before the work on the task begins.
    """

    topic: str
    early: bool
    resolved: bool
    messages: tuple[tuple[str, str], ...]


def read_tasks(name: str) -> list[StoryTask]:
    """The tasks of a story, each after its parent."""
    tasks: list[StoryTask] = []
    above: list[int] = []
    for line in _read(name):
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"{name}: {line!r}")
        text = found["text"] or ""
        if found["mark"] == "|":
            task = tasks[-1]
            task.description = text if task.description is None else f"{task.description}\n{text}"
            continue
        del above[len(found["indent"]) // 2 :]
        tasks.append(_parse_task(text, _STATUS[found["mark"]], above[-1] if above else None))
        above.append(len(tasks) - 1)
    return tasks


def read_conversations() -> list[Conversation]:
    """All conversations, in no particular order."""
    return [_parse_conversation(block.splitlines()) for block in "\n".join(_read("conversations")).split("\n\n")]


def read_links() -> list[tuple[str, TaskLinkKind, str]]:
    """The links between tasks: title, kind, title of the target."""
    parts = (line.split(" | ") for line in _read("links"))
    return [(title, TaskLinkKind(kind), target) for title, kind, target in parts]


def _read(name: str) -> list[str]:
    return (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def _parse_task(text: str, status: TaskStatus, parent: int | None) -> StoryTask:
    remarks: dict[str, list[str]] = {"#": [], "!": [], "~": [], "@": []}
    while (found := _REMARK.fullmatch(text)) is not None:
        remarks[found["sign"]].insert(0, found["word"])
        text = found["text"]
    return StoryTask(
        title=text,
        status=status,
        parent=parent,
        labels=tuple(word.replace("-", " ") for word in remarks["#"]),
        priority=next((TaskPriority(word.upper()) for word in remarks["!"]), None),
        estimate=next((float(word) for word in remarks["~"]), None),
        assignee=next(iter(remarks["@"]), None),
    )


def _parse_conversation(lines: list[str]) -> Conversation:
    heading = _HEADING.fullmatch(lines[0])
    if heading is None:
        raise ValueError(lines[0])
    messages = [line.split(": ", 1) for line in lines[1:]]
    return Conversation(
        topic=heading["topic"],
        early=heading["early"] is not None,
        resolved=heading["resolved"] is not None,
        messages=tuple((speaker, text) for speaker, text in messages),
    )
