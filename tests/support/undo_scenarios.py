"""Changes of every kind that can be undone, each made through the graph by the owner of a team."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from domain.attachment import attach
from domain.comment import comment_attachment_target, open_comment
from domain.permissions import Action
from domain.subject import open_subject, subject_attachment_target
from persistence.unit_of_work import unit_of_work
from tests.support.graph_actions import create_comment, create_project, mutate, mutate_ok
from tests.support.teams import uuid_of
from tests.support.tenant_objects import create_files, create_notification
from tests.support.undoing import Act, World


async def _task_created(world: World) -> Act:
    above, label = await world.task(), await world.label()
    fields = {"title": world.word(), "projectId": world.team.project_id, "parentId": above["id"], "labelIds": [label]}
    return world.act("taskCreate", **fields, assigneeId=world.team.mate.id)


async def _task_updated(world: World) -> Act:
    page, labels = await world.document(), [await world.label() for _ in range(3)]
    task = await world.task(labelIds=labels[:2], status="DONE", dueOn="2026-05-04", description=f"[page](document:{page['id']})")
    values: dict[str, Any] = {
        "description": world.word(),
        "status": "TODO",
        "dueOn": None,
        "startOn": "2026-03-01",
        "estimate": 2.5,
    }
    values |= {"priority": "URGENT", "assigneeId": world.team.mate.id, "addLabelIds": labels[2:], "removeLabelIds": labels[:1]}
    chosen = world.numbers.sample(sorted(values), world.numbers.randint(1, len(values)))
    return world.act("taskUpdate", id=task["id"], **{name: values[name] for name in chosen}, title=world.word())


async def _task_moved(world: World) -> Act:
    first, second = await world.task(), await world.task()
    task = await world.task(parentId=first["id"], assigneeId=world.team.mate.id, labelIds=[await world.label()])
    below = await world.task(parentId=task["id"])
    await world.task(parentId=below["id"])
    moves: list[dict[str, Any]] = [
        {"afterId": None},
        {"parentId": None, "status": "DONE"},
        {"parentId": second["id"], "beforeId": first["id"]},
        {"projectId": await world.project()},
        {"projectId": await create_project(world.app, world.team, world.word(), private_to=[world.owner]), "status": "CANCELED"},
    ]
    return world.act("taskMove", id=task["id"], **world.numbers.choice(moves))


async def _task_deleted(world: World) -> Act:
    task = await world.task()
    below = await world.task(parentId=task["id"])
    await world.task(parentId=below["id"], status="DONE")
    gone = await world.task(parentId=task["id"])
    await mutate_ok(world.app, world.owner, "taskDelete", id=gone["id"])
    return world.act("taskDelete", id=task["id"])


async def _task_restored(world: World) -> Act:
    task = await world.task()
    await world.task(parentId=task["id"])
    await mutate_ok(world.app, world.owner, "taskDelete", id=task["id"])
    return world.act("taskRestore", id=task["id"])


async def _task_files(world: World) -> Act:
    task = await world.task()
    upload = (await create_files(world.app, world.owner, (await world.task())["id"]))["upload"]
    return lambda: _attach(world, "Task", task["id"], upload)


async def _document_files(world: World) -> Act:
    document = await world.document()
    upload = (await create_files(world.app, world.owner, (await world.task())["id"]))["upload"]
    return lambda: _attach(world, "Document", document["id"], upload)


async def _comment_files(world: World) -> Act:
    comment = await world.comment()
    upload = (await create_files(world.app, world.owner, (await world.task())["id"]))["upload"]
    return lambda: _attach(world, "Comment", comment["id"], upload)


async def _attach(world: World, kind: str, id_: str, upload: str) -> None:
    """Put a file on something that is there already, as finishing its upload does."""
    async with unit_of_work(world.app.resources.database, world.app.resources.services.pubsub) as uow:
        actor = world.owner.actor
        if kind == "Comment":
            target = comment_attachment_target((await open_comment(uow, actor, uuid_of(id_)))[0])
        else:
            target = subject_attachment_target(await open_subject(uow, actor, uuid_of(id_), Action.UPDATE))
        await attach(uow, actor, [uuid_of(upload)], target, ("input", "uploadIds"))


async def _task_linked(world: World) -> Act:
    kind = world.numbers.choice(["BLOCKS", "BLOCKED_BY", "RELATES_TO", "DUPLICATES"])
    return world.act("taskLink", taskId=(await world.task())["id"], targetId=(await world.task())["id"], kind=kind)


async def _task_unlinked(world: World) -> Act:
    act = await _task_linked(world)
    linked = (await act())["id"]
    shown = "query ($id: ID!) { task(id: $id) { links { nodes { id } } } }"
    (link,) = (await world.app.run(world.owner, shown, id=linked))["task"]["links"]["nodes"]
    return world.act("taskUnlink", id=link["id"])


async def _document_created(world: World) -> Act:
    return world.act("documentCreate", projectId=world.team.project_id, title=world.word(), content=f"# {world.word()}")


async def _document_updated(world: World) -> Act:
    return world.act("documentUpdate", id=(await world.document())["id"], title=world.word())


async def _document_moved(world: World) -> Act:
    first, second = await world.document(), await world.document()
    document = await world.document(parentId=first["id"])
    below = await world.document(parentId=document["id"])
    await world.document(parentId=below["id"])
    moves: list[dict[str, Any]] = [
        {"afterId": None},
        {"parentId": None},
        {"parentId": second["id"]},
        {"projectId": await world.project()},
    ]
    return world.act("documentMove", id=document["id"], **world.numbers.choice(moves))


async def _document_deleted(world: World) -> Act:
    document = await world.document()
    await world.document(parentId=document["id"])
    return world.act("documentDelete", id=document["id"])


async def _document_restored(world: World) -> Act:
    document = await world.document()
    await world.document(parentId=document["id"])
    await mutate_ok(world.app, world.owner, "documentDelete", id=document["id"])
    return world.act("documentRestore", id=document["id"])


async def _comment_created(world: World) -> Act:
    return world.act("commentCreate", subjectId=(await world.task())["id"], body=f"[M](user:{world.team.mate.id}) {world.word()}")


async def _comment_updated(world: World) -> Act:
    comment = await world.comment()
    if world.numbers.random() < 0.5:
        return world.act("commentResolve", id=comment["id"], resolved=True)
    return world.act("commentUpdate", id=comment["id"], body=f"[M](user:{world.team.mate.id}) {world.word()}")


async def _comment_reacted(world: World) -> Act:
    comment, on = await world.comment(), world.numbers.random() < 0.5
    if not on:
        await mutate_ok(world.app, world.owner, "commentReact", id=comment["id"], emoji="👍", on=True)
    return world.act("commentReact", id=comment["id"], emoji="👍", on=on)


async def _comment_deleted(world: World) -> Act:
    task = await world.task()
    comment = await create_comment(world.app, world.owner, task, world.word())
    await create_comment(world.app, world.team.mate, task, world.word(), parentId=comment["id"])
    return world.act("commentDelete", id=comment["id"])


async def _undone(world: World, first: Act) -> Act:
    """Undoing a change, as a change."""
    before = await world.last_entry()
    await first()
    (_, change), *_ = await world.entries_since(before)
    return world.act("undo", changeId=change)


async def _comment_restored(world: World) -> Act:
    return await _undone(world, await _comment_deleted(world))


async def _label_created(world: World) -> Act:
    return world.act("labelCreate", teamId=world.team.team_id, name=world.word(), color="#123456")


async def _label_updated(world: World) -> Act:
    return world.act("labelUpdate", id=await world.label(), name=world.word(), color="#654321")


async def _label_deleted(world: World) -> Act:
    label = await world.label()
    for labels in ([label], [label, await world.label()]):
        await world.task(labelIds=labels)
    await mutate_ok(world.app, world.owner, "taskDelete", id=(await world.task(labelIds=[label]))["id"])
    return world.act("labelDelete", id=label)


async def _label_restored(world: World) -> Act:
    return await _undone(world, await _label_deleted(world))


async def _project_created(world: World) -> Act:
    return world.act("projectCreate", teamId=world.team.team_id, name=world.word(), leadId=world.team.mate.id)


async def _project_updated(world: World) -> Act:
    values = {"name": world.word(), "description": world.word(), "leadId": world.team.mate.id, "visibility": "PRIVATE"}
    values |= {"startOn": "2026-01-01", "endOn": "2026-02-01", "status": world.numbers.choice(["COMPLETED", "ARCHIVED"])}
    chosen = world.numbers.sample(sorted(values), world.numbers.randint(1, len(values)))
    return world.act("projectUpdate", id=await world.project(), **{name: values[name] for name in chosen})


async def _project_deleted(world: World) -> Act:
    project = await world.project()
    await world.task(projectId=project)
    return world.act("projectDelete", id=project)


async def _project_restored(world: World) -> Act:
    project = await world.project()
    await mutate_ok(world.app, world.owner, "projectDelete", id=project)
    return world.act("projectRestore", id=project)


async def _project_members(world: World) -> Act:
    project = await create_project(world.app, world.team, world.word(), private_to=[world.team.mate])
    fields = {"addUserIds": [world.team.guest.id, world.team.admin.id], "removeUserIds": [world.team.mate.id]}
    return world.act("projectSetMembers", id=project, **fields)


async def _team_updated(world: World) -> Act:
    return world.act("teamUpdate", id=world.team.team_id, description=world.word(), name=world.word())


async def _membership(world: World) -> Act:
    of = {"teamId": world.team.team_id, "userId": world.team.member.id}
    return (
        world.act("teamMemberRemove", **of)
        if world.numbers.random() < 0.5
        else world.act("teamMemberSetRole", **of, role="GUEST")
    )


async def _invited(world: World) -> Act:
    fields = {"teamId": world.team.team_id, "email": f"{world.word()}@example.com"}
    return lambda: mutate(world.app, world.owner, "teamInvite", **fields)


async def _profile(world: World) -> Act:
    return world.act("userUpdate", firstName=world.word(), timeZone=world.numbers.choice(["Europe/Rome", "Asia/Tokyo"]))


async def _notification_marked(world: World) -> Act:
    notification = await create_notification(world.app, world.owner, uuid_of((await world.task())["id"]))
    return lambda: mutate(world.app, world.owner, "notificationsMark", **{"ids": [notification], "as": "ARCHIVED"})


SCENARIOS: Mapping[str, Callable[[World], Awaitable[Act]]] = {
    "TaskCreated": _task_created,
    "TaskUpdated": _task_updated,
    "TaskMoved": _task_moved,
    "TaskDeleted": _task_deleted,
    "TaskRestored": _task_restored,
    "TaskFilesChanged": _task_files,
    "TaskLinked": _task_linked,
    "TaskUnlinked": _task_unlinked,
    "DocumentCreated": _document_created,
    "DocumentUpdated": _document_updated,
    "DocumentMoved": _document_moved,
    "DocumentDeleted": _document_deleted,
    "DocumentRestored": _document_restored,
    "DocumentFilesChanged": _document_files,
    "CommentCreated": _comment_created,
    "CommentUpdated": _comment_updated,
    "CommentReacted": _comment_reacted,
    "CommentDeleted": _comment_deleted,
    "CommentRestored": _comment_restored,
    "CommentFilesChanged": _comment_files,
    "LabelCreated": _label_created,
    "LabelUpdated": _label_updated,
    "LabelDeleted": _label_deleted,
    "LabelRestored": _label_restored,
    "ProjectCreated": _project_created,
    "ProjectUpdated": _project_updated,
    "ProjectDeleted": _project_deleted,
    "ProjectRestored": _project_restored,
    "ProjectMembersChanged": _project_members,
    "TeamUpdated": _team_updated,
    "MembershipChanged": _membership,
    "InvitationChanged": _invited,
    "UserUpdated": _profile,
    "NotificationUpdated": _notification_marked,
}
"""How a change of each kind comes about: what it needs is made at once, and the change itself by the function that is returned."""
MADE_BY_IMPORTS = frozenset({"ProjectImported"})
FINAL = frozenset({"TaskFilesChanged", "DocumentFilesChanged", "CommentFilesChanged", "InvitationChanged"})
"""Undoing these takes away what cannot be brought back."""
