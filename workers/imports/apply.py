"""Writes the records of a collection in one transaction (`workers.imports`)."""

import base64
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from content import document_types
from domain import rank
from domain.attachment import Attachment, AttachmentState
from domain.collation import collation_key
from domain.comment import Comment
from domain.document import Document, DocumentType
from domain.document.version import add_version
from domain.errors import Unavailable
from domain.events import derived_id
from domain.label import Label, LabelCreated
from domain.project import Project, ProjectImported, ProjectStatus, ProjectVisibility
from domain.task import CLOSED, Task, TaskPriority, TaskStatus
from domain.task_link import INVERSE, TaskLink, TaskLinkKind
from persistence.documents.document_reader import StoredState
from persistence.documents.rendering import check_and_merge
from persistence.transfer import target
from persistence.unit_of_work import SqlUnitOfWork
from workers.imports.attachments import StoredFile
from workers.imports.collection import Collection
from workers.user_job import UserJobRun


@dataclass(slots=True)
class Import:
    """One import that is being written. `numbers`: the last number before those that are reserved for it, and the team's key."""

    run: UserJobRun
    uow: SqlUnitOfWork
    collection: Collection
    people: Mapping[str, UUID]
    files: Mapping[str, StoredFile]
    numbers: tuple[int, str]
    rows_total: int
    done: int = 0
    labels: dict[str, UUID] = field(default_factory=dict)

    def id_of(self, kind: str, reference: str) -> UUID:
        """The id of a record: the same in every try of the job."""
        return derived_id(self.run.job.id, kind, reference)

    @property
    def project_ids(self) -> list[UUID]:
        """The new projects."""
        return [self.id_of("Project", record["id"]) for _, record in self.collection.read("Project")]

    async def write(self) -> None:
        """Write everything. Raises Unavailable where others have written what stands in the way, so that it is tried again."""
        await self._write_labels()
        projects = await self._write_projects()
        await target.add_rows(self.uow.connection, self._tasks())
        await self._step(self.collection.counts["Task"])
        await self._write_parents()
        await target.add_rows(self.uow.connection, self._links())
        await self._write_documents()
        await self._write_comments()
        await target.add_rows(self.uow.connection, self._attachments())
        if await target.complete_projects(self.uow.connection, [each.id for each in projects]) != self.collection.counts["Task"]:
            raise Unavailable("Some tasks could not be stored.")
        for each in projects:
            self.uow.record(ProjectImported(actor_id=self.run.job.creator_id, project=each))

    async def _write_labels(self) -> None:
        team_id, now = self.run.job.team_id, self.uow.now
        known = {row["name_collation"]: row["id"] for row in await target.team_labels(self.uow.connection, team_id)}
        added = []
        for _, record in self.collection.read("Label"):
            key = collation_key(record["name"])
            if key not in known:
                id_ = self.id_of("Label", record["id"])
                known[key] = id_
                added.append(
                    Label(id=id_, created_at=now, updated_at=now, team_id=team_id, name=record["name"], color=record["color"])
                )
            self.labels[record["id"]] = known[key]
        await target.add_rows(self.uow.connection, added)
        stored = {row["id"] for row in await target.team_labels(self.uow.connection, team_id)} if added else set()
        for label in added:
            if label.id not in stored:
                raise Unavailable("A label of this name was just made.")
            self.uow.record(LabelCreated(actor_id=self.run.job.creator_id, label=label))

    async def _write_projects(self) -> list[Project]:
        found, members = [], {}
        for _, record in self.collection.read("Project"):
            created_at = _instant(record["createdAt"]) or self.uow.now
            project = Project(
                id=self.id_of("Project", record["id"]),
                created_at=created_at,
                updated_at=created_at,
                team_id=self.run.job.team_id,
                name=record["name"],
                description=record["description"],
                status=ProjectStatus(record["status"]),
                visibility=ProjectVisibility(record["visibility"]),
                start_on=_day(record["startOn"]),
                end_on=_day(record["endOn"]),
                lead_id=self._person(record["leadId"]),
                creator_id=self._person(record["creatorId"]),
            )
            found.append(project)
            named = {self._person(each) for each in record["memberIds"]} | {project.lead_id}
            if project.visibility is ProjectVisibility.PRIVATE and not named - {None}:
                named = {self.run.job.creator_id}  # it must not be lost to everybody
            members[project.id] = named - {None}
        await target.add_rows(self.uow.connection, found)
        for project_id, user_ids in members.items():
            await target.add_members(self.uow.connection, project_id, sorted(each for each in user_ids if each is not None))
        return found

    def _tasks(self) -> Iterator[Task]:
        order = sorted(
            (record["number"] if record["number"] is not None else row, row) for row, record in self.collection.read("Task")
        )
        last, key = self.numbers
        places = {row: last + place for place, (_, row) in enumerate(order, start=1)}
        numbers = self._numbers(places)
        ranks: dict[str, str | None] = defaultdict(lambda: None)
        for _, record in self.collection.read("Task"):
            own_rank = ranks[record["projectId"]] = rank.between(ranks[record["projectId"]], None)
            created_at = _instant(record["createdAt"]) or self.uow.now
            updated_at = _instant(record["updatedAt"]) or created_at
            status, number = TaskStatus(record["status"]), next(numbers)
            yield Task(
                id=self.id_of("Task", record["id"]),
                created_at=created_at,
                updated_at=updated_at,
                team_id=self.run.job.team_id,
                project_id=self.id_of("Project", record["projectId"]),
                number=number,
                key=f"{key}-{number}",
                title=record["title"],
                description=record["description"],
                status=status,
                priority=TaskPriority(record["priority"]),
                assignee_id=self._person(record["assigneeId"]),
                creator_id=self._person(record["creatorId"]),
                start_on=_day(record["startOn"]),
                due_on=_day(record["dueOn"]),
                completed_at=(_instant(record["completedAt"]) or updated_at) if status in CLOSED else None,
                estimate=record["estimate"],
                label_ids=tuple(dict.fromkeys(self.labels[each] for each in record["labelIds"])),
                rank=own_rank,
                external_ref=record["externalRef"],
                recurrence=record["recurrence"],
            )

    def _numbers(self, places: Mapping[int, int]) -> Iterator[int]:
        """The number of each task in the order of the file. A row holds several where a file does."""
        used: set[int] = set()
        spare = iter(range(self.numbers[0] + len(places) + 1, self.numbers[0] + self.collection.counts["Task"] + 1))
        for row, _ in self.collection.read("Task"):
            number = places[row] if places[row] not in used else next(spare)
            used.add(number)
            yield number

    async def _write_parents(self) -> None:
        pairs = []
        for _, record in self.collection.read("Task"):
            if self.collection.has("Task", record["parentId"]):
                pairs.append((self.id_of("Task", record["id"]), self.id_of("Task", record["parentId"])))
            if len(pairs) == target.BATCH_ROWS:
                await target.set_parents(self.uow.connection, pairs)
                pairs = []
        await target.set_parents(self.uow.connection, pairs)

    def _links(self) -> Iterator[TaskLink]:
        for _, record in self.collection.read("TaskLink"):
            kind = TaskLinkKind(record["kind"])
            task, other = self.id_of("Task", record["taskId"]), self.id_of("Task", record["targetId"])
            ids = [derived_id(self.run.job.id, "TaskLink", task, other, kind, side) for side in (0, 1)]
            at = self.uow.now
            yield TaskLink(id=ids[0], twin_id=ids[1], task_id=task, target_id=other, kind=kind, created_at=at)
            yield TaskLink(id=ids[1], twin_id=ids[0], task_id=other, target_id=task, kind=INVERSE[kind], created_at=at)

    async def _write_documents(self) -> None:
        """Parents before what lies below them, in the order of the file."""
        ranks: dict[str, str | None] = defaultdict(lambda: None)
        waiting = list(self.collection.read("Document"))
        own_ranks: dict[str, str] = {}
        for _, record in waiting:
            own_ranks[record["id"]] = ranks[record["projectId"]] = rank.between(ranks[record["projectId"]], None)
        written: set[str] = set()
        while waiting:
            later = []
            for row, record in waiting:
                if self.collection.has("Document", record["parentId"]) and record["parentId"] not in written:
                    later.append((row, record))
                    continue
                await self._write_document(record, own_ranks[record["id"]])
                written.add(record["id"])
                await self._step(1)
            waiting = later

    async def _write_document(self, record: Mapping[str, Any], own_rank: str) -> None:
        services, owner = self.run.services, self.run.job.creator_id
        kind, id_ = DocumentType(record["kind"]), self.id_of("Document", record["id"])
        created_at = _instant(record["createdAt"]) or self.uow.now
        document = Document(
            id=id_,
            created_at=created_at,
            updated_at=created_at,
            team_id=self.run.job.team_id,
            project_id=self.id_of("Project", record["projectId"]),
            parent_id=self.id_of("Document", record["parentId"]) if self.collection.has("Document", record["parentId"]) else None,
            owner_id=self._person(record["ownerId"]) or owner,
            title=record["title"],
            type=kind,
            rank=own_rank,
        )
        if not await self.uow.documents.add(document):
            raise Unavailable("A document of this id was just made.")
        if record["crdt"]:
            given = base64.b64decode(record["crdt"])
            update = await services.worker_pool.run(len(given), check_and_merge, [given], owner=owner)
        elif record["markdown"]:
            update = await services.worker_pool.run(
                len(record["markdown"]), document_types.parse, kind, record["markdown"], owner=owner
            )
        else:
            return
        state = StoredState(document_id=id_, position=0, snapshot=update)
        snapshot = await services.snapshots.store(id_, kind, state, owner=owner)
        position = await self.uow.documents.append(id_, snapshot.state, owner)
        await add_version(self.uow, document, snapshot.at_position(position), author_id=owner)

    async def _write_comments(self) -> None:
        """First comments of threads before the answers to them."""
        for answers in (False, True):
            await target.add_rows(self.uow.connection, self._comments(answers))
        reactions = [
            (self.id_of("Comment", record["id"]), person, each["emoji"])
            for _, record in self.collection.read("Comment")
            for each in record["reactions"]
            if (person := self._person(each["userId"])) is not None
        ]
        await target.add_reactions(self.uow.connection, reactions)

    def _comments(self, answers: bool) -> Iterator[Comment]:
        for _, record in self.collection.read("Comment"):
            parent = record["parentId"] if self.collection.has("Comment", record["parentId"]) else None
            if (parent is not None) is not answers:
                continue
            kind = self.collection.type_of(record["subjectId"])
            project = self.collection.project_of("Comment", record["id"])
            assert project is not None
            created_at = _instant(record["createdAt"]) or self.uow.now
            yield Comment(
                id=self.id_of("Comment", record["id"]),
                created_at=created_at,
                updated_at=created_at,
                team_id=self.run.job.team_id,
                project_id=self.id_of("Project", project),
                subject_type=kind,
                subject_id=self.id_of(kind, record["subjectId"]),
                author_id=self._person(record["authorId"]),
                parent_id=None if parent is None else self.id_of("Comment", parent),
                body=record["body"],
                anchor_quote=record["anchorQuote"],
                anchor_prefix=record["anchorPrefix"],
                anchor_suffix=record["anchorSuffix"],
                anchor_start=record["anchorStart"],
                resolved_at=_instant(record["resolvedAt"]),
                resolved_by_id=self._person(record["resolvedById"]),
                edited_at=_instant(record["editedAt"]),
            )

    def _attachments(self) -> Iterator[Attachment]:
        for _, record in self.collection.read("Attachment"):
            file = self.files.get(record["id"])
            if file is None:
                continue
            kind, subject = self.collection.type_of(record["subjectId"]), record["subjectId"]
            about_kind, about = (kind, subject) if kind != "Comment" else self.collection.subject_of(subject)
            created_at = _instant(record["createdAt"]) or self.uow.now
            yield Attachment(
                id=self.id_of("Attachment", record["id"]),
                created_at=created_at,
                updated_at=created_at,
                uploader_id=self._person(record["uploaderId"]),
                subject_type=kind,
                subject_id=self.id_of(kind, subject),
                about_type=about_kind,
                about_id=self.id_of(about_kind, about),
                file_name=record["fileName"],
                content_type=file.content_type,
                byte_size=file.byte_size,
                sha256=file.sha256,
                state=AttachmentState.READY,
            )

    def _person(self, reference: str | None) -> UUID | None:
        return None if reference is None else self.people.get(reference)

    async def _step(self, rows: int) -> None:
        self.done += rows
        await self.run.advance(self.done, self.rows_total, "Writing what was read.")


def _instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)
