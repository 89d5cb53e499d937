"""Two tenants with one object of every kind each, and for every field of the roots what a valid call of it is.

The tables are compared with the table of rules: a field that is missing here fails the tests of rights.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from domain.attachment import Attachment, AttachmentState
from domain.blob import attachment_key
from domain.session import Device, open_session
from persistence.unit_of_work import unit_of_work
from resolvers import ids
from tests.app import App, Person
from tests.people import People, settle, uuid_of
from tests.work import comment, do, document, done, label, project, task

Objects = Mapping[str, str]
Answer = Literal["allowed", "NOT_FOUND", "FORBIDDEN", "INVALID"]


@dataclass(frozen=True)
class Tenant:
    """A team with one object of every kind. `hidden` are those of a private project that only the owner sees."""

    people: People
    objects: Objects
    hidden: Objects


@dataclass(frozen=True)
class Case:
    """A valid call: the input over a tenant's objects, and what callers without enough rights are answered."""

    input: Callable[[Tenant], dict[str, Any]]
    outsider: Answer = "NOT_FOUND"
    guest: Answer = "FORBIDDEN"


async def found(app: App) -> Tenant:
    """A tenant of its own."""
    people = await settle(app)
    async with unit_of_work(app.house.database, app.house.services.pubsub) as uow:
        session, _ = await open_session(uow, people.owner.user, Device())
    own: Objects = {"Session": ids.encode("Session", session.id)}
    return Tenant(people, {**own, **await _fill(app, people, people.project_id)}, {**own, **await _hide(app, people)})


async def _hide(app: App, people: People) -> Objects:
    secret = await project(app, people, "Secret", private_to=[])
    await done(app, people.owner, "projectUpdate", id=secret, leadId=people.owner.id)
    return await _fill(app, people, secret)


async def _fill(app: App, people: People, project_id: str) -> Objects:
    owner = people.owner
    made = {name: await task(app, people, name, by=owner, projectId=project_id) for name in ("first", "second", "third")}
    part = await task(app, people, "part", by=owner, projectId=project_id, parentId=made["first"]["id"])
    said = await comment(app, owner, made["first"], "First!")
    written = {
        name: await document(app, people, name, by=owner, projectId=project_id, content=f"# {name}")
        for name in ("page", "other page")
    }
    given = {"projectId": project_id, "parentId": written["page"]["id"], "content": f"[page](document:{written['page']['id']})"}
    inner = await document(app, people, "inner", by=owner, **given)
    name = f"Label {project_id[-12:]}"
    linked = "task { links { nodes { id } } }"
    link = await do(app, owner, "taskLink", linked, taskId=made["first"]["id"], targetId=made["second"]["id"], kind="RELATES_TO")
    invited = {"teamId": people.team_id, "email": f"{project_id[-16:-2].lower()}@example.com"}
    invitation = await do(app, owner, "teamInvite", "invitation { id } invitationToken", **invited)
    shown = "query ($id: ID!) { project(id: $id) { activity { nodes { id } } } }"
    (activity, *_) = (await app.run(owner, shown, id=project_id))["project"]["activity"]["nodes"]
    files = await _files(app, owner, made["first"]["id"])
    return {
        **files,
        "Activity": activity["id"],
        "Change": ids.encode("Change", uuid_of(activity["id"])),
        "Comment": said["id"],
        "Document": written["page"]["id"],
        "DocumentVersion": written["page"]["latestVersion"]["id"],
        "other page": written["other page"]["id"],
        "inner": inner["id"],
        "Invitation": invitation["invitation"]["id"],
        "Label": await label(app, owner, people.team_id, name),
        "Project": project_id,
        "Task": made["first"]["id"],
        "TaskLink": link["task"]["links"]["nodes"][0]["id"],
        "Team": people.team_id,
        "User": people.mate.id,
        "second": made["second"]["id"],
        "third": made["third"]["id"],
        "part": part["id"],
        "key": made["first"]["key"],
        "token": invitation["invitationToken"],
    }


async def _files(app: App, owner: Person, task_id: str) -> Objects:
    """A file on the task, of which there are no bytes, and one that is the owner's alone."""
    subject = uuid_of(task_id)
    async with unit_of_work(app.house.database, app.house.services.pubsub) as uow:
        upload = Attachment(
            id=uow.new_id(),
            created_at=uow.now,
            updated_at=uow.now,
            uploader_id=owner.user.id,
            file_name="file.png",
            content_type="image/png",
            byte_size=1,
            state=AttachmentState.READY,
        )
        file = replace(upload, id=uow.new_id(), subject_type="Task", subject_id=subject, about_type="Task", about_id=subject)
        await uow.attachments.add(upload)
        await uow.attachments.add(file)
    await app.house.services.blobs.put(attachment_key(upload.id), b"#")
    return {"Attachment": ids.encode("Attachment", file.id), "upload": ids.encode("Attachment", upload.id)}


def _of(**fields: str) -> Callable[[Tenant], dict[str, Any]]:
    """An input whose fields name objects of the tenant."""
    return lambda tenant: {name: tenant.objects[kind] for name, kind in fields.items()}


def _with(plain: dict[str, Any], **fields: str) -> Callable[[Tenant], dict[str, Any]]:
    return lambda tenant: plain | _of(**fields)(tenant)


def _task_row(tenant: Tenant) -> dict[str, Any]:
    """A new task that names an object wherever it can; its labels are one of each tenant's own."""
    mine = tenant.objects
    row = {"title": "New", "projectId": mine["Project"], "parentId": mine["Task"], "afterId": mine["second"]}
    return row | {"assigneeId": tenant.people.owner.id, "labelIds": [mine["Label"]], "uploadIds": [mine["upload"]]}


def _task_patch(tenant: Tenant) -> dict[str, Any]:
    mine = tenant.objects
    return {"assigneeId": tenant.people.owner.id, "addLabelIds": [mine["Label"]], "removeLabelIds": [mine["Label"]]}


# By field of Mutation. Inputs name every id that they could, so that each can be exchanged for one that is not the caller's.
MUTATIONS: Mapping[str, Case] = {
    "userRegister": Case(lambda _: {"email": "", "password": "", "firstName": "", "lastName": ""}, "INVALID", "INVALID"),
    "sessionCreate": Case(lambda _: {"email": "nobody", "password": ""}, "INVALID", "INVALID"),
    "sessionRefresh": Case(lambda _: {"refreshToken": ""}, "INVALID", "INVALID"),
    "sessionRevoke": Case(_of(sessionId="Session"), guest="NOT_FOUND"),
    "userUpdate": Case(_with({"locale": "en"}, avatarUploadId="upload"), guest="NOT_FOUND"),
    "userDelete": Case(_of(id="User"), guest="NOT_FOUND"),
    "teamCreate": Case(lambda _: {"name": ""}, "INVALID", "INVALID"),
    "teamUpdate": Case(_with({"description": "Taken."}, id="Team")),
    "teamDelete": Case(_of(id="Team")),
    "teamInvite": Case(_with({"email": "eve@example.com"}, teamId="Team")),
    "invitationAccept": Case(_of(token="token"), guest="NOT_FOUND"),
    "invitationRevoke": Case(_of(id="Invitation")),
    "teamMemberSetRole": Case(_with({"role": "GUEST"}, teamId="Team", userId="User")),
    "teamMemberRemove": Case(_of(teamId="Team", userId="User")),
    "labelCreate": Case(_with({"name": "Taken", "color": "#000000"}, teamId="Team")),
    "labelUpdate": Case(_with({"color": "#000000"}, id="Label")),
    "labelDelete": Case(_of(id="Label")),
    "projectCreate": Case(_with({"name": "Taken"}, teamId="Team", leadId="User")),
    "projectUpdate": Case(_with({"name": "Taken"}, id="Project", leadId="User")),
    "projectSetMembers": Case(
        lambda tenant: {
            "id": tenant.objects["Project"],
            "addUserIds": [tenant.people.owner.id],
            "removeUserIds": [tenant.people.mate.id],
        }
    ),
    "projectDelete": Case(_of(id="Project")),
    "projectRestore": Case(_of(id="Project")),
    "taskCreate": Case(_task_row),
    "taskUpdate": Case(lambda tenant: {"id": tenant.objects["second"]} | _task_patch(tenant)),
    "taskMove": Case(
        _of(id="third", projectId="Project", parentId="Task", afterId="second", beforeId="part"),
    ),
    "taskDelete": Case(_of(id="Task")),
    "taskRestore": Case(_of(id="Task")),
    "taskLink": Case(_with({"kind": "BLOCKS"}, taskId="Task", targetId="third")),
    "taskUnlink": Case(_of(id="TaskLink")),
    "tasksUpdate": Case(
        lambda tenant: {
            "ids": [tenant.objects["second"]],
            "set": _task_patch(tenant) | {"projectId": tenant.objects["Project"]},
        }
    ),
    "tasksCreate": Case(lambda tenant: {"tasks": [_task_row(tenant)]}),
    "documentApplyUpdate": Case(_with({"updates": ["AAA="], "sessionId": "s"}, id="Document")),
    "documentSetPresence": Case(_with({"sessionId": "s"}, id="Document"), guest="allowed"),
    "documentCreate": Case(_with({"title": "New"}, projectId="Project", parentId="Document", uploadId="upload")),
    "documentUpdate": Case(_with({"title": "Taken."}, id="Document")),
    "documentMove": Case(_of(id="inner", projectId="Project", parentId="Document", afterId="other page")),
    "documentSaveVersion": Case(_of(id="Document")),
    "documentRestoreVersion": Case(_of(id="Document", versionId="DocumentVersion")),
    "documentEdit": Case(_with({"base": 1, "append": "Taken."}, id="Document")),
    "documentDelete": Case(_of(id="Document")),
    "documentRestore": Case(_of(id="Document")),
    # The guest may comment; the file is somebody else's.
    "commentCreate": Case(
        lambda tenant: (
            _with({"body": "Me too."}, subjectId="Task", parentId="Comment")(tenant) | {"uploadIds": [tenant.objects["upload"]]}
        ),
        guest="NOT_FOUND",
    ),
    "commentUpdate": Case(_with({"body": "Taken."}, id="Comment")),
    "commentResolve": Case(_with({"resolved": True}, id="Comment"), guest="allowed"),
    "commentReact": Case(_with({"emoji": "👍", "on": True}, id="Comment"), guest="allowed"),
    "commentDelete": Case(_of(id="Comment")),
    "uploadCreate": Case(_with({"fileName": "a.txt", "contentType": "text/plain", "byteSize": 1}, subjectId="Task")),
    "uploadComplete": Case(_of(id="upload"), guest="NOT_FOUND"),
    "attachmentDelete": Case(_of(id="Attachment")),
    "watchSet": Case(_with({"watching": True}, subjectId="Task"), guest="allowed"),
    "markSeen": Case(_of(subjectId="Task"), guest="allowed"),
}


@dataclass(frozen=True)
class Question:
    """A query: its text with the variables `$of`, and what `$of` may be; nothing when it takes no id."""

    text: str
    kinds: tuple[str, ...] = ()


# By field of Query: how it is asked. `$of` is the id (or key) of an object.
QUERIES: Mapping[str, Question] = {
    "node": Question(
        "query ($of: ID!) { node(id: $of) { id } }",
        (
            "Activity",
            "Attachment",
            "Change",
            "Comment",
            "Document",
            "Invitation",
            "Label",
            "Project",
            "Session",
            "Task",
            "TaskLink",
            "Team",
            "User",
        ),
    ),
    "nodes": Question(
        "query ($of: ID!) { nodes(ids: [$of]) { id } }", ("Comment", "Document", "Label", "Project", "Task", "Team", "User")
    ),
    "viewer": Question("{ viewer { id } }"),
    "user": Question("query ($of: ID!) { user(id: $of) { id email } }", ("User",)),
    "users": Question("{ users { nodes { id } } }"),
    "team": Question("query ($of: ID!) { team(id: $of) { id name } }", ("Team",)),
    "teams": Question("{ teams { nodes { id } } }"),
    "project": Question("query ($of: ID!) { project(id: $of) { id name } }", ("Project",)),
    "projects": Question("{ projects { nodes { id } } }"),
    "task": Question("query ($of: ID!) { task(id: $of) { id title } }", ("Task",)),
    "taskByKey": Question("query ($of: String!) { taskByKey(key: $of) { id } }", ("key",)),
    "tasks": Question("{ tasks { nodes { id } } }"),
    "document": Question("query ($of: ID!) { document(id: $of) { id title } }", ("Document",)),
    "documents": Question("{ documents { nodes { id } } }"),
    "changes": Question("{ changes { cursor } }"),
    "server": Question("{ server { version } }"),
}

SUBSCRIPTIONS: Mapping[str, Question] = {
    "changes": Question("subscription { changes { kind } }"),
    "documentCollaboration": Question(
        'subscription ($of: ID!) { documentCollaboration(id: $of, sessionId: "s") { __typename } }', ("Document",)
    ),
    "taskChanged": Question("subscription ($of: ID!) { taskChanged(id: $of) { kind } }", ("Task",)),
}

# Lists that are narrowed by ids: the text, and the kinds of ids that `$of` may be.
NARROWED: Mapping[str, Question] = {
    "tasks by id": Question("query ($of: ID!) { tasks(filter: {id: {eq: $of}}) { totalCount } }", ("Task",)),
    "tasks by project": Question("query ($of: ID!) { tasks(filter: {project: {eq: $of}}) { totalCount } }", ("Project",)),
    "tasks by parent": Question("query ($of: ID!) { tasks(filter: {parent: {in: [$of]}}) { totalCount } }", ("Task",)),
    "tasks by assignee": Question("query ($of: ID!) { tasks(filter: {assignee: {eq: $of}}) { totalCount } }", ("User",)),
    "tasks by creator": Question("query ($of: ID!) { tasks(filter: {creator: {eq: $of}}) { totalCount } }", ("User",)),
    "tasks by label": Question("query ($of: ID!) { tasks(filter: {labels: {eq: $of}}) { totalCount } }", ("Label",)),
    "projects by lead": Question("query ($of: ID!) { projects(filter: {lead: {eq: $of}}) { totalCount } }", ("User",)),
    "documents by owner": Question("query ($of: ID!) { documents(filter: {owner: {eq: $of}}) { totalCount } }", ("User",)),
    "documents by parent": Question("query ($of: ID!) { documents(filter: {parent: {eq: $of}}) { totalCount } }", ("Document",)),
    "backlinks of a document": Question("query ($of: ID!) { document(id: $of) { backlinks { totalCount } } }", ("Document",)),
    "changes of a team": Question("query ($of: ID!) { changes(scope: {teamIds: [$of]}) { nodes { id } } }", ("Team",)),
    "changes of a project": Question("query ($of: ID!) { changes(scope: {projectIds: [$of]}) { nodes { id } } }", ("Project",)),
    "changes of an object": Question(
        "query ($of: ID!) { changes(scope: {entityIds: [$of]}) { nodes { id } } }",
        ("Comment", "Document", "Label", "Project", "Task", "Team", "User"),
    ),
}
