"""All records of a file, checked against each other: who refers to whom, and that everything there is has its place.

Records lie in temporary files, so that memory holds only what they are called. Refusals are issues with the row; what is only
left out (an assignee who is no member of the team) is a warning.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, Final

import orjson

from domain.errors import LimitExceeded
from domain.job import JobIssue
from domain.task.checks import MAX_DEPTH_LEVELS

MAX_RECORDS: Final = 200_000
MAX_SMALL_RECORDS: Final = 5_000
"""Projects, and labels."""
MAX_RECORDED_ISSUES: Final = 10_000
TYPES: Final = ("Project", "Label", "User", "Task", "TaskLink", "Document", "Comment", "Attachment")
_REFERENCES: Final[Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "Task": (("projectId", ("Project",)), ("parentId", ("Task",))),
    "TaskLink": (("taskId", ("Task",)), ("targetId", ("Task",))),
    "Document": (("projectId", ("Project",)), ("parentId", ("Document",))),
    "Comment": (("subjectId", ("Task", "Document")), ("parentId", ("Comment",))),
    "Attachment": (("subjectId", ("Task", "Document", "Comment")),),
}
_PEOPLE: Final = ("leadId", "creatorId", "assigneeId", "ownerId", "authorId", "resolvedById", "uploaderId")
_KEEPS_FIRST: Final = frozenset({"Project", "Label", "User"})
"""Tables name these again in each row."""


class Collection:
    """The records of one file; `close` deletes them."""

    def __init__(self, *, may_lack_parents: bool) -> None:
        """`may_lack_parents`: a parent that is not in the file is left out; an export of a part has none."""
        self._may_lack_parents = may_lack_parents
        self.issues: list[JobIssue] = []
        self.warnings: list[JobIssue] = []
        self.counts = dict.fromkeys(TYPES, 0)
        self._files: dict[str, IO[bytes]] = {}
        self._known: dict[str, dict[str, tuple[str | None, str | None]]] = {each: {} for each in TYPES}
        self._refused = 0

    def add(self, records: Iterable[tuple[int, dict[str, Any]]]) -> None:
        """Add records with their rows. Raises LimitExceeded."""
        for row, record in records:
            kind = record["type"]
            if kind == "Team":
                continue
            if (reference := record.get("id")) is not None:
                if reference in self._known[kind]:
                    if kind not in _KEEPS_FIRST:
                        self.refuse(row, f"id: another {kind} is called {reference[:80]}.")
                    continue
                within = record.get("projectId") or record.get("subjectId")
                self._known[kind][reference] = (within, record.get("parentId"))
            self.counts[kind] += 1
            if sum(self.counts.values()) > MAX_RECORDS:
                raise LimitExceeded(f"The file holds more than {MAX_RECORDS} records.", MAX_RECORDS)
            if kind in ("Project", "Label") and self.counts[kind] > MAX_SMALL_RECORDS:
                raise LimitExceeded(f"The file holds more than {MAX_SMALL_RECORDS} of {kind}.", MAX_SMALL_RECORDS)
            self._file(kind).write(orjson.dumps([row, record]) + b"\n")

    def refuse(self, row: int | None, message: str) -> None:
        """Something is wrong, and so nothing is imported."""
        self._refused += 1
        if len(self.issues) < MAX_RECORDED_ISSUES:
            self.issues.append(JobIssue(row=row, message=message))

    def warn(self, row: int | None, message: str) -> None:
        """Something is left out."""
        if len(self.warnings) < MAX_RECORDED_ISSUES:
            self.warnings.append(JobIssue(row=row, message=message))

    @property
    def refused(self) -> int:
        """How many things are wrong."""
        return self._refused

    def read(self, kind: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """The records of a type in the order of the file, with their rows."""
        if kind in self._files:
            self._files[kind].flush()
            with open(self._files[kind].name, "rb") as file:  # of its own: two may read at once
                for line in file:
                    row, record = orjson.loads(line)
                    yield row, record

    def project_of(self, kind: str, reference: str) -> str | None:
        """The project in which a task, document or comment lies."""
        within = self._known[kind][reference][0]
        if kind == "Comment" and within is not None:
            return self.project_of("Task" if within in self._known["Task"] else "Document", within)
        return within

    def subject_of(self, comment: str) -> tuple[str, str]:
        """What a comment is about: whether a task or a document, and what it is called."""
        subject = self._known["Comment"][comment][0]
        assert subject is not None
        return self.type_of(subject), subject

    def has(self, kind: str, reference: str | None) -> bool:
        """Whether there is such a record."""
        return reference in self._known[kind]

    def type_of(self, reference: str) -> str:
        """Whether a subject is a task, a document or a comment."""
        return next(kind for kind in ("Task", "Document", "Comment") if reference in self._known[kind])

    def check_references(self, people: Mapping[str, Any]) -> None:
        """Refuse what refers to what is not there; warn of people whom `people`, by what they are called, does not have."""
        warned: set[str] = set()
        labels = self._known["Label"]
        for kind in TYPES:
            for row, record in self.read(kind):
                for name, kinds in _REFERENCES.get(kind, ()):
                    self._check_reference(row, record, name, kinds)
                for label in record.get("labelIds") or ():
                    if label not in labels:
                        self.refuse(row, f"labelIds: there is no label {label[:80]}.")
                for name in _PEOPLE:
                    person = record.get(name)
                    if person and person not in people and person not in warned:
                        warned.add(person)
                        self.warn(row, f"{name}: {person[:80]} is no member of the team, and is left out everywhere.")
                if kind in ("Task", "Document", "Comment") and record.get("parentId"):
                    self._check_parents(row, kind, record)

    def close(self) -> None:
        """Delete the temporary files."""
        for file in self._files.values():
            file.close()

    def _check_reference(self, row: int, record: Mapping[str, Any], name: str, kinds: tuple[str, ...]) -> None:
        reference = record.get(name)
        if reference is not None and not any(reference in self._known[kind] for kind in kinds):
            if name == "parentId" and self._may_lack_parents:
                self.warn(row, f"parentId: {reference[:80]} is not in the file, and is left out.")
                return
            self.refuse(row, f"{name}: there is no {' or '.join(kinds)} {reference[:80]}.")

    def _check_parents(self, row: int, kind: str, record: Mapping[str, Any]) -> None:
        known, at, levels = self._known[kind], record["parentId"], 1
        limit = 1 if kind == "Comment" else MAX_DEPTH_LEVELS - 1
        if at in known and known[at][0] != (record.get("projectId") or record.get("subjectId")):
            self.refuse(row, "parentId: the parent lies elsewhere.")
        while at in known and known[at][1] is not None:
            at, levels = known[at][1], levels + 1
            if levels > limit:
                self.refuse(row, f"parentId: there are more than {limit} levels above it, or it is above itself.")
                return

    def _file(self, kind: str) -> IO[bytes]:
        if kind not in self._files:
            self._files[kind] = tempfile.NamedTemporaryFile()  # noqa: SIM115 (closed by `close`)
        return self._files[kind]
