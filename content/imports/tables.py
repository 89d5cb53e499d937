"""Reads tables of tasks in CSV: our own, and those of Jira and of Linear. Rows are numbered from the header, which is 1."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from content.imports import words
from content.imports.left_out import LeftOut
from content.table_text import read_csv
from domain.errors import Invalid
from domain.job import TransferFormat
from domain.transfer.task_table import COLUMNS, split_values, unescape

Rows = Iterator[tuple[int, dict[str, Any]]]
_MAX_COLUMNS: Final = 500


class _Row:
    """A row by the names of its columns, in lower case; a name may stand over several. `read` gathers the names asked for."""

    def __init__(self, places: Mapping[str, Sequence[int]], cells: Sequence[str], read: set[str]) -> None:
        self._places, self._cells, self._read = places, cells, read

    def one(self, *names: str) -> str:
        """The first cell under one of the names that holds something, without blanks around it."""
        return self.text(*names).strip()

    def text(self, *names: str) -> str:
        """The same, as it stands there: blanks at its beginning mean something in Markdown."""
        self._read.update(names)
        return next((cell for name in names for cell in self._filled(name)), "")

    def many(self, name: str) -> list[str]:
        """All cells under a name that hold something, without blanks around it."""
        self._read.add(name)
        return [cell.strip() for cell in self._filled(name)]

    def exact(self, name: str) -> str:
        """The cell under a name, as it stands there; empty where there is none."""
        self._read.add(name)
        (at, *_) = self._places.get(name, (len(self._cells),))
        return unescape(self._cells[at]) if at < len(self._cells) else ""

    def _filled(self, name: str) -> Iterator[str]:
        return (self._cells[at] for at in self._places.get(name, ()) if at < len(self._cells) and self._cells[at].strip())


def read_table(format_: TransferFormat, text: str, left_out: LeftOut) -> Rows:
    """The records of a table: its projects and people as they come, and its tasks. Raises Invalid for what is no such table."""
    lines = read_csv(text)
    if not lines:
        raise Invalid(("row 1",), "There is no header.")
    header = [each.strip().lower() for each in lines[0]]
    if len(header) > _MAX_COLUMNS:
        raise Invalid(("row 1",), f"There are more than {_MAX_COLUMNS} columns.")
    places: dict[str, list[int]] = {}
    for at, name in enumerate(header):
        places.setdefault(name, []).append(at)
    needed, read = _TABLES[format_]
    read_names: set[str] = set()
    if missing := [each for each in needed if each not in places]:
        raise Invalid(("row 1",), f"The header lacks {', '.join(missing)}.")
    seen: set[tuple[str, str]] = set()
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cells):
            continue
        if len(cells) != len(header):
            yield number, {"type": f"row with {len(cells)} cells under a header of {len(header)}"}
            continue
        for record in read(_Row(places, cells, read_names), number, left_out):
            key = record["type"], str(record.get("id"))
            if record["type"] in ("Task", "Comment") or key not in seen:
                seen.add(key)
                yield number, record
    filled = [lines[0][at] for name in places if name not in read_names for at in places[name] if _has_content(lines, at)]
    if filled:
        left_out.add(1, f"Columns that are not imported: {', '.join(dict.fromkeys(each[:80] for each in filled))}.")


def _has_content(lines: Sequence[Sequence[str]], at: int) -> bool:
    return any(at < len(each) and each[at].strip() for each in lines[1:])


def _own(row: _Row, number: int, left_out: LeftOut) -> Iterator[dict[str, Any]]:
    cells = {name: row.exact(name.lower()) for name in COLUMNS}
    labels = split_values(cells["Labels"])
    yield {"type": "Project", "id": cells["Project"], "name": cells["Project"]}
    yield from _people(cells["Assignee"], cells["Creator"])
    yield from ({"type": "Label", "id": each, "name": each} for each in labels)
    yield {
        "type": "Task",
        "id": cells["Key"] or f"row {number}",
        "projectId": cells["Project"],
        "parentId": cells["Parent"],
        "number": _number_of(cells["Key"]),
        "title": cells["Title"],
        "description": cells["Description"],
        "status": cells["Status"],
        "priority": cells["Priority"],
        "assigneeId": cells["Assignee"],
        "creatorId": cells["Creator"],
        "labelIds": labels,
        "startOn": cells["Start"],
        "dueOn": cells["Due"],
        "recurrence": cells["Recurrence"],
        "estimate": cells["Estimate"],
        "completedAt": cells["Completed"],
        "createdAt": cells["Created"],
        "updatedAt": cells["Updated"],
    }


def _jira(row: _Row, number: int, left_out: LeftOut) -> Iterator[dict[str, Any]]:
    project = row.one("project name", "project key") or "Jira"
    key = row.one("issue key") or f"row {number}"
    labels = [*row.many("labels"), *row.many("issue type"), *_unknown_words(row, number, left_out)]
    resolved = words.instant(row.one("resolved"))
    yield {"type": "Project", "id": project, "name": project}
    yield from _people(row.one("assignee"), row.one("reporter", "creator"))
    yield from ({"type": "Label", "id": each, "name": each} for each in labels)
    yield {
        "type": "Task",
        "id": row.one("issue id") or key,
        "projectId": project,
        "parentId": row.one("parent id", "parent"),
        "number": _number_of(key),
        "title": row.one("summary"),
        "description": row.text("description"),
        "status": words.status(row.one("status"), "DONE" if resolved else "TODO"),
        "priority": words.priority(row.one("priority")),
        "assigneeId": row.one("assignee"),
        "creatorId": row.one("reporter", "creator"),
        "labelIds": labels,
        "dueOn": words.day(row.one("due date", "duedate")),
        "estimate": row.one("custom field (story points)", "story points", "custom field (story point estimate)"),
        "externalRef": key,
        "completedAt": resolved,
        "createdAt": words.instant(row.one("created")),
        "updatedAt": words.instant(row.one("updated")),
    }
    for index, comment in enumerate(row.many("comment")):
        at, _, rest = comment.partition(";")
        author, _, body = rest.partition(";")
        yield from _people(author, "")
        yield {
            "type": "Comment",
            "id": f"{key} comment {index}",
            "subjectId": row.one("issue id") or key,
            "authorId": author,
            "body": body,
            "createdAt": words.instant(at),
        }


def _linear(row: _Row, number: int, left_out: LeftOut) -> Iterator[dict[str, Any]]:
    project = row.one("project") or row.one("team") or "Linear"
    key = row.one("id") or f"row {number}"
    labels = [each.strip() for each in row.one("labels").split(",") if each.strip()]
    labels += _unknown_words(row, number, left_out)
    yield {"type": "Project", "id": project, "name": project}
    yield from _people(row.one("assignee"), row.one("creator"))
    yield from ({"type": "Label", "id": each, "name": each} for each in labels)
    completed, canceled = words.instant(row.one("completed")), words.instant(row.one("canceled"))
    yield {
        "type": "Task",
        "id": key,
        "projectId": project,
        "parentId": row.one("parent issue"),
        "number": _number_of(key),
        "title": row.one("title"),
        "description": row.text("description"),
        "status": words.status(row.one("status"), "DONE" if completed else "CANCELED" if canceled else "TODO"),
        "priority": words.priority(row.one("priority")),
        "assigneeId": row.one("assignee"),
        "creatorId": row.one("creator"),
        "labelIds": labels,
        "dueOn": words.day(row.one("due date")),
        "estimate": row.one("estimate"),
        "externalRef": key,
        "completedAt": completed or canceled,
        "createdAt": words.instant(row.one("created")),
        "updatedAt": words.instant(row.one("updated")),
    }


def _unknown_words(row: _Row, number: int, left_out: LeftOut) -> list[str]:
    """The status and the priority where no such are known here: they become labels."""
    status, priority = row.one("status"), row.one("priority")
    unknown = [
        each for each, is_known in ((status, words.has_status(status)), (priority, words.has_priority(priority))) if not is_known
    ]
    for each in unknown:
        left_out.add(number, words.kept_as_label(each))
    return [words.label_name(each) for each in unknown]


def _people(*references: str) -> Iterator[dict[str, Any]]:
    for each in references:
        if each:
            yield {"type": "User", "id": each, **({"email": each} if "@" in each else {"firstName": each})}


def _number_of(key: str) -> int | None:
    last = key.rpartition("-")[2]
    return int(last) if last.isdecimal() and len(last) < 10 else None


_TABLES: Final[Mapping[TransferFormat, tuple[Sequence[str], Callable[[_Row, int, LeftOut], Iterator[dict[str, Any]]]]]] = {
    TransferFormat.CSV: ([each.lower() for each in COLUMNS if each != "Recurrence"], _own),
    TransferFormat.JIRA_CSV: (("summary", "issue key", "status"), _jira),
    TransferFormat.LINEAR_CSV: (("id", "title", "status"), _linear),
}
