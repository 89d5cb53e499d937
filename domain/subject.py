"""Subjects: what can be discussed, watched and seen: tasks and documents. No document has the id of a task."""

from uuid import UUID

from domain.actor import Actor
from domain.attachment import AttachmentTarget
from domain.document import Document, open_document
from domain.document.events import document_attachment_target
from domain.errors import NotFound
from domain.events import team_stream
from domain.permissions import Action
from domain.ports import UnitOfWork
from domain.task import Task, open_task
from domain.task.events import task_attachment_target

Subject = Task | Document


async def open_subject(uow: UnitOfWork, actor: Actor, subject_id: UUID, action: Action, *, lock: bool = True) -> Subject:
    """Fetch, lock and authorise whatever has this id. A task need not be held where one comment on it is all that is written."""
    path = ("input", "subjectId")
    try:
        task, _ = await open_task(uow, actor, subject_id, action, path, lock=lock, to_change=False)
    except NotFound:
        document, _ = await open_document(uow, actor, subject_id, action, path)
        return document
    return task


def subject_attachment_target(subject: Subject) -> AttachmentTarget:
    """A subject that files are put on."""
    return task_attachment_target(subject) if isinstance(subject, Task) else document_attachment_target(subject)


async def set_watching(uow: UnitOfWork, actor: Actor, subject_id: UUID, *, watching: bool) -> None:
    """Watch a subject, or stop watching it."""
    subject = await open_subject(uow, actor, subject_id, Action.READ)
    if watching:
        await uow.watches.watch(subject.type_name, subject.id, [actor.user_id])
    else:
        await uow.watches.unwatch(subject.id, actor.user_id)


async def mark_seen(uow: UnitOfWork, actor: Actor, subject_id: UUID) -> None:
    """Note that the actor has now seen the subject as it is."""
    subject = await open_subject(uow, actor, subject_id, Action.READ)
    await uow.watches.mark_seen(actor.user_id, subject.id, team_stream(subject.team_id), uow.now)
