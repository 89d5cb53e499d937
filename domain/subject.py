"""Subjects: what can be discussed, watched and seen. Today that is tasks; documents are opened here too when they come."""

from uuid import UUID

from domain.actor import Actor
from domain.events import team_stream
from domain.permissions import Action
from domain.ports import UnitOfWork
from domain.task import Task, open_task

Subject = Task


async def open_subject(uow: UnitOfWork, actor: Actor, subject_id: UUID, action: Action) -> Subject:
    """Fetch, lock and authorise whatever has this id."""
    task, _ = await open_task(uow, actor, subject_id, action, ("input", "subjectId"))
    return task


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
