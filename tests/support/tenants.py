"""Two tenants with one object of every kind each, and for every field of the roots what a valid call of it is.

The tables are compared with the table of rules: a field that is missing here fails the tests of rights.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from domain import api_token, oauth_client
from domain.actor import Scope
from domain.oauth_client import OAuthGrant
from persistence.unit_of_work import unit_of_work
from resolvers import ids
from tests.support.app import App
from tests.support.audit import create_audit_entry
from tests.support.graph_actions import (
    create_comment,
    create_document,
    create_label,
    create_project,
    create_task,
    mutate,
    mutate_ok,
)
from tests.support.share_links import create_share_link
from tests.support.teams import SampleTeam, create_sample_team, uuid_of, with_session
from tests.support.tenant_objects import (
    NODE_TYPES,
    create_external_identity,
    create_factor,
    create_files,
    create_job,
    create_notification,
    create_push_device,
    create_template,
)
from tests.support.webhooks import create_webhook_about_project

Objects = Mapping[str, str]
Outcome = Literal["allowed", "NOT_FOUND", "FORBIDDEN", "INVALID", "REAUTHENTICATION_REQUIRED"]


@dataclass(frozen=True)
class Tenant:
    """A team with one object of every kind. `hidden` are those of a private project that only the owner sees."""

    team: SampleTeam
    objects: Objects
    private_objects: Objects


@dataclass(frozen=True)
class MutationCase:
    """A valid call: the input over a tenant's objects, and what callers without enough rights are answered."""

    input: Callable[[Tenant], dict[str, Any]]
    outsider: Outcome = "NOT_FOUND"
    guest: Outcome = "FORBIDDEN"
    instead: Mapping[str, Callable[[Tenant], dict[str, Any]]] = field(default_factory=dict)
    """Inputs in which another field takes the place of an id, by the name of that field."""

    def input_with(self, tenant: Tenant, place: Sequence[str | int]) -> dict[str, Any]:
        """The input that has an id, or uses what is given, at this place."""
        return self.instead.get(str(place[0]), self.input)(tenant)


async def create_tenant(app: App, *, mark: str = "", private_mark: str = "") -> Tenant:
    """A tenant of its own. The marks stand in what people wrote, in the project and in the private one."""
    people = await create_sample_team(app)
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        token, _ = await api_token.create(uow, people.owner.actor, name="Script", scopes=[Scope.TASKS_READ], expires_at=None)
        client, _ = await oauth_client.create(
            uow,
            people.owner.actor,
            uuid_of(people.team_id),
            name="App",
            is_public=False,
            redirect_uris=[],
            grants=[OAuthGrant.CLIENT_CREDENTIALS],
            scopes=[Scope.TASKS_READ],
        )
    people = replace(people, owner=await with_session(app, people.owner), admin=await with_session(app, people.admin))
    assert people.owner.session_id is not None
    own: Objects = {
        "ApiToken": ids.encode("ApiToken", token.id),
        "AuditEntry": await create_audit_entry(app, people),
        **await create_webhook_about_project(app, people.owner, people.team_id),
        "OAuthClient": ids.encode("OAuthClient", client.id),
        "Job": await create_job(app, people.owner, uuid_of(people.team_id)),
        "Session": ids.encode("Session", people.owner.session_id),
        "Factor": ids.encode("Factor", await create_factor(app, people.owner)),
        "ExternalIdentity": ids.encode("ExternalIdentity", await create_external_identity(app, people.owner)),
        "PushDevice": ids.encode("PushDevice", await create_push_device(app, people.owner)),
        "Template": await create_template(app, people.owner, people.project_id),
    }
    return Tenant(
        people,
        {**own, **await _create_objects(app, people, people.project_id, mark)},
        {**own, **await _create_private_objects(app, people, private_mark)},
    )


async def _create_private_objects(app: App, team: SampleTeam, mark: str) -> Objects:
    secret = await create_project(app, team, f"Secret{mark}", private_to=[])
    await mutate_ok(app, team.owner, "projectUpdate", id=secret, leadId=team.owner.id)
    return await _create_objects(app, team, secret, mark)


async def _create_objects(app: App, team: SampleTeam, project_id: str, mark: str) -> Objects:
    owner = team.owner
    made = {
        name: await create_task(app, team, f"{name}{mark}", by=owner, projectId=project_id)
        for name in ("first", "second", "third")
    }
    part = await create_task(app, team, f"part{mark}", by=owner, projectId=project_id, parentId=made["first"]["id"])
    said = await create_comment(app, owner, made["first"], f"First!{mark}")
    written = {
        name: await create_document(app, team, f"{name}{mark}", by=owner, projectId=project_id, content=f"# {name}{mark}")
        for name in ("page", "other page")
    }
    given = {"projectId": project_id, "parentId": written["page"]["id"], "content": f"[page](document:{written['page']['id']})"}
    inner = await create_document(app, team, f"inner{mark}", by=owner, **given)
    name = f"Label {project_id[-12:]}"
    linked = "task { links { nodes { id } } }"
    link = await mutate(
        app, owner, "taskLink", linked, taskId=made["first"]["id"], targetId=made["second"]["id"], kind="RELATES_TO"
    )
    invited = {"teamId": team.team_id, "email": f"{project_id[-16:-2].lower()}@example.com"}
    invitation = await mutate(app, owner, "teamInvite", "invitation { id } invitationToken", **invited)
    shown = "query ($id: ID!) { project(id: $id) { activity { nodes { id } } } }"
    (activity, *_) = (await app.run(owner, shown, id=project_id))["project"]["activity"]["nodes"]
    files = await create_files(app, owner, made["first"]["id"])
    return {
        **files,
        "Notification": await create_notification(app, owner, uuid_of(made["first"]["id"])),
        "Activity": activity["id"],
        "Change": ids.encode("Change", uuid_of(activity["id"])),
        "Comment": said["id"],
        "Document": written["page"]["id"],
        "DocumentVersion": written["page"]["latestVersion"]["id"],
        "other page": written["other page"]["id"],
        "inner": inner["id"],
        "Invitation": invitation["invitation"]["id"],
        "Label": await create_label(app, owner, team.team_id, name),
        "Project": project_id,
        "Task": made["first"]["id"],
        "TaskLink": link["task"]["links"]["nodes"][0]["id"],
        "ShareLink": (await create_share_link(app, owner, written["page"]["id"]))["id"],
        "Team": team.team_id,
        "User": team.mate.id,
        "second": made["second"]["id"],
        "third": made["third"]["id"],
        "part": part["id"],
        "key": made["first"]["key"],
        "token": invitation["invitationToken"],
    }


def _input_of(**fields: str) -> Callable[[Tenant], dict[str, Any]]:
    """An input whose fields name objects of the tenant."""
    return lambda tenant: {name: tenant.objects[kind] for name, kind in fields.items()}


def _input_with(constants: dict[str, Any], **fields: str) -> Callable[[Tenant], dict[str, Any]]:
    return lambda tenant: constants | _input_of(**fields)(tenant)


def _task_row(tenant: Tenant) -> dict[str, Any]:
    """A new task that names an object wherever it can; its labels are one of each tenant's own."""
    mine = tenant.objects
    row = {"title": "New", "projectId": mine["Project"], "parentId": mine["Task"], "afterId": mine["second"]}
    return row | {"assigneeId": tenant.team.owner.id, "labelIds": [mine["Label"]], "uploadIds": [mine["upload"]]}


def _task_patch(tenant: Tenant) -> dict[str, Any]:
    mine = tenant.objects
    return {"assigneeId": tenant.team.owner.id, "addLabelIds": [mine["Label"]], "removeLabelIds": [mine["Label"]]}


# By field of Mutation. Inputs name every id that they could, so that each can be exchanged for one that is not the caller's.
MUTATIONS: Mapping[str, MutationCase] = {
    "userRegister": MutationCase(lambda _: {"email": "", "password": "", "firstName": "", "lastName": ""}, "INVALID", "INVALID"),
    "sessionCreate": MutationCase(lambda _: {"email": "nobody", "password": ""}, "INVALID", "INVALID"),
    "sessionRefresh": MutationCase(lambda _: {"refreshToken": ""}, "INVALID", "INVALID"),
    "sessionRevoke": MutationCase(_input_of(sessionId="Session"), guest="NOT_FOUND"),
    "apiTokenCreate": MutationCase(lambda _: {"name": "", "scopes": []}, "INVALID", "INVALID"),
    "templateCreate": MutationCase(_input_with({"name": "Template"}, subjectId="Project")),
    "templateUse": MutationCase(
        _input_of(templateId="Template", projectId="Project"),
        guest="NOT_FOUND",
        instead={"name": _input_of(templateId="Template")},
    ),
    "templateDelete": MutationCase(_input_of(id="Template"), guest="NOT_FOUND"),
    "calendarFeedRotate": MutationCase(lambda _: {}, guest="allowed", outsider="allowed"),
    "apiTokenRevoke": MutationCase(_input_of(id="ApiToken"), guest="NOT_FOUND"),
    "oauthClientCreate": MutationCase(
        _input_with(
            {"name": "App", "isPublic": False, "redirectUris": [], "grants": ["CLIENT_CREDENTIALS"], "scopes": ["TASKS_READ"]},
            teamId="Team",
        )
    ),
    "oauthClientRotateSecret": MutationCase(_input_of(id="OAuthClient"), guest="NOT_FOUND"),
    "oauthClientDelete": MutationCase(_input_of(id="OAuthClient"), guest="NOT_FOUND"),
    "sessionReauthenticate": MutationCase(lambda _: {"password": ""}, "INVALID", "INVALID"),
    "emailVerify": MutationCase(lambda _: {"token": "nonsense"}, "NOT_FOUND", "NOT_FOUND"),
    "emailChangeRequest": MutationCase(
        lambda _: {"email": "new@example.com"}, "REAUTHENTICATION_REQUIRED", "REAUTHENTICATION_REQUIRED"
    ),
    "passwordResetRequest": MutationCase(lambda _: {"email": "nobody"}, "INVALID", "INVALID"),
    "passwordReset": MutationCase(
        lambda _: {"token": "nonsense", "newPassword": "correct horse battery"}, "NOT_FOUND", "NOT_FOUND"
    ),
    "userSuspend": MutationCase(_input_of(id="User"), guest="NOT_FOUND"),
    "userReactivate": MutationCase(_input_of(id="User"), guest="NOT_FOUND"),
    "factorStart": MutationCase(lambda _: {"kind": "TOTP"}, "REAUTHENTICATION_REQUIRED", "REAUTHENTICATION_REQUIRED"),
    "factorConfirm": MutationCase(
        _input_with({"code": "000000"}, id="Factor"), "REAUTHENTICATION_REQUIRED", "REAUTHENTICATION_REQUIRED"
    ),
    "externalIdentityRemove": MutationCase(
        _input_of(id="ExternalIdentity"), "REAUTHENTICATION_REQUIRED", "REAUTHENTICATION_REQUIRED"
    ),
    "factorRemove": MutationCase(_input_of(id="Factor"), "REAUTHENTICATION_REQUIRED", "REAUTHENTICATION_REQUIRED"),
    "passkeyRequestCreate": MutationCase(lambda _: {}, "allowed", "allowed"),
    "sessionCreateWithPasskey": MutationCase(lambda _: {"credential": {}}, "INVALID", "INVALID"),
    # The owner alone has a session.
    "passwordChange": MutationCase(
        lambda _: {"newPassword": "correct horse battery"}, "REAUTHENTICATION_REQUIRED", "REAUTHENTICATION_REQUIRED"
    ),
    "userUpdate": MutationCase(_input_with({"locale": "en"}, avatarUploadId="upload"), guest="NOT_FOUND"),
    "userDelete": MutationCase(_input_of(id="User"), guest="NOT_FOUND"),
    "teamCreate": MutationCase(lambda _: {"name": ""}, "INVALID", "INVALID"),
    "teamUpdate": MutationCase(_input_with({"description": "Taken."}, id="Team")),
    "teamDelete": MutationCase(_input_of(id="Team")),
    "teamInvite": MutationCase(_input_with({"email": "eve@example.com"}, teamId="Team")),
    "invitationAccept": MutationCase(_input_of(token="token"), guest="NOT_FOUND"),
    "invitationRevoke": MutationCase(_input_of(id="Invitation")),
    "teamMemberSetRole": MutationCase(_input_with({"role": "GUEST"}, teamId="Team", userId="User")),
    "teamMemberRemove": MutationCase(_input_of(teamId="Team", userId="User")),
    "labelCreate": MutationCase(_input_with({"name": "Taken", "color": "#000000"}, teamId="Team")),
    "labelUpdate": MutationCase(_input_with({"color": "#000000"}, id="Label")),
    "labelDelete": MutationCase(_input_of(id="Label")),
    "projectCreate": MutationCase(_input_with({"name": "Taken"}, teamId="Team", leadId="User")),
    "projectUpdate": MutationCase(_input_with({"name": "Taken"}, id="Project", leadId="User")),
    "projectSetMembers": MutationCase(
        lambda tenant: {
            "id": tenant.objects["Project"],
            "addUserIds": [tenant.team.owner.id],
            "removeUserIds": [tenant.team.mate.id],
        }
    ),
    "projectDelete": MutationCase(_input_of(id="Project")),
    "projectRestore": MutationCase(_input_of(id="Project")),
    "taskCreate": MutationCase(_task_row),
    "taskUpdate": MutationCase(lambda tenant: {"id": tenant.objects["second"]} | _task_patch(tenant)),
    "taskMove": MutationCase(
        _input_of(id="third", projectId="Project", parentId="Task", afterId="second", beforeId="part"),
    ),
    "taskDelete": MutationCase(_input_of(id="Task")),
    "taskRestore": MutationCase(_input_of(id="Task")),
    "taskLink": MutationCase(_input_with({"kind": "BLOCKS"}, taskId="Task", targetId="third")),
    "taskUnlink": MutationCase(_input_of(id="TaskLink")),
    "tasksUpdate": MutationCase(
        lambda tenant: {
            "ids": [tenant.objects["second"]],
            "set": _task_patch(tenant) | {"projectId": tenant.objects["Project"]},
        }
    ),
    "tasksCreate": MutationCase(lambda tenant: {"tasks": [_task_row(tenant)]}),
    "documentApplyUpdate": MutationCase(_input_with({"updates": ["AAA="], "sessionId": "s"}, id="Document")),
    "documentSetPresence": MutationCase(_input_with({"sessionId": "s"}, id="Document"), guest="allowed"),
    "documentCreate": MutationCase(_input_with({"title": "New"}, projectId="Project", parentId="Document", uploadId="upload")),
    "documentUpdate": MutationCase(_input_with({"title": "Taken."}, id="Document")),
    "documentMove": MutationCase(_input_of(id="inner", projectId="Project", parentId="Document", afterId="other page")),
    "documentSaveVersion": MutationCase(_input_of(id="Document")),
    "documentRestoreVersion": MutationCase(_input_of(id="Document", versionId="DocumentVersion")),
    "documentEdit": MutationCase(_input_with({"base": 1, "append": "Taken."}, id="Document")),
    "documentDelete": MutationCase(_input_of(id="Document")),
    "documentRestore": MutationCase(_input_of(id="Document")),
    # The guest may comment; the file is somebody else's.
    "commentCreate": MutationCase(
        lambda tenant: (
            _input_with({"body": "Me too."}, subjectId="Task", parentId="Comment")(tenant)
            | {"uploadIds": [tenant.objects["upload"]]}
        ),
        guest="NOT_FOUND",
    ),
    "commentUpdate": MutationCase(_input_with({"body": "Taken."}, id="Comment")),
    "commentResolve": MutationCase(_input_with({"resolved": True}, id="Comment"), guest="allowed"),
    "commentReact": MutationCase(_input_with({"emoji": "👍", "on": True}, id="Comment"), guest="allowed"),
    "commentDelete": MutationCase(_input_of(id="Comment")),
    # A guest exports what guests see.
    "exportStart": MutationCase(
        _input_of(projectId="Project"),
        guest="allowed",
        instead={"teamId": _input_of(teamId="Team"), "documentId": _input_of(documentId="Document")},
    ),
    "importStart": MutationCase(_input_with({"format": "CSV"}, teamId="Team", uploadId="upload")),
    "reportStart": MutationCase(
        _input_with({"kind": "OVERDUE"}, projectId="Project"),
        guest="allowed",
        instead={"teamId": _input_with({"kind": "OVERDUE"}, teamId="Team")},
    ),
    # The newest change of the project: a link.
    "undo": MutationCase(_input_of(changeId="Change")),
    "jobCancel": MutationCase(_input_of(id="Job"), guest="NOT_FOUND"),
    "uploadCreate": MutationCase(
        _input_with({"fileName": "a.txt", "contentType": "text/plain", "byteSize": 1}, subjectId="Task")
    ),
    "uploadComplete": MutationCase(_input_of(id="upload"), guest="NOT_FOUND"),
    "attachmentDelete": MutationCase(_input_of(id="Attachment")),
    "watchSet": MutationCase(_input_with({"watching": True}, subjectId="Task"), guest="allowed"),
    "notificationPreferencesUpdate": MutationCase(lambda _: {}, "allowed", "allowed"),
    "notificationsUnsubscribe": MutationCase(lambda _: {"token": ""}, "NOT_FOUND", "NOT_FOUND"),
    "pushDeviceRegister": MutationCase(lambda _: {"platform": "WEB", "token": ""}, "INVALID", "INVALID"),
    "pushDeviceRemove": MutationCase(_input_of(id="PushDevice"), guest="NOT_FOUND"),
    "notificationsMark": MutationCase(lambda tenant: {"ids": [tenant.objects["Notification"]], "as": "READ"}, guest="NOT_FOUND"),
    "webhookCreate": MutationCase(_input_with({"url": "https://hooks.example.com/", "events": ["*"]}, teamId="Team")),
    "webhookRedeliver": MutationCase(_input_of(deliveryId="WebhookDelivery"), guest="NOT_FOUND"),
    **{
        name: MutationCase(_input_of(id="Webhook"), guest="NOT_FOUND")
        for name in ("webhookUpdate", "webhookRotateSecret", "webhookPing", "webhookDelete")
    },
    "shareLinkCreate": MutationCase(_input_of(subjectId="Project")),
    "shareLinkRevoke": MutationCase(_input_of(id="ShareLink"), guest="NOT_FOUND"),
    "markSeen": MutationCase(_input_of(subjectId="Task"), guest="allowed"),
}


@dataclass(frozen=True)
class QueryCase:
    """A query: its text with the variables `$of`, and what `$of` may be; nothing when it takes no id."""

    text: str
    id_types: tuple[str, ...] = ()


# By field of Query: how it is asked. `$of` is the id (or key) of an object.
QUERIES: Mapping[str, QueryCase] = {
    "node": QueryCase("query ($of: ID!) { node(id: $of) { id } }", NODE_TYPES),
    "nodes": QueryCase(
        "query ($of: ID!) { nodes(ids: [$of]) { id } }", ("Comment", "Document", "Label", "Project", "Task", "Team", "User")
    ),
    "viewer": QueryCase("{ viewer { id } }"),
    "user": QueryCase("query ($of: ID!) { user(id: $of) { id email } }", ("User",)),
    "users": QueryCase("{ users { nodes { id } } }"),
    "serverUsers": QueryCase("{ serverUsers { nodes { id } } }"),
    "team": QueryCase("query ($of: ID!) { team(id: $of) { id name } }", ("Team",)),
    "teams": QueryCase("{ teams { nodes { id } } }"),
    "project": QueryCase("query ($of: ID!) { project(id: $of) { id name } }", ("Project",)),
    "projects": QueryCase("{ projects { nodes { id } } }"),
    "task": QueryCase("query ($of: ID!) { task(id: $of) { id title } }", ("Task",)),
    "taskByKey": QueryCase("query ($of: String!) { taskByKey(key: $of) { id } }", ("key",)),
    "tasks": QueryCase("{ tasks { nodes { id } } }"),
    "document": QueryCase("query ($of: ID!) { document(id: $of) { id title } }", ("Document",)),
    "documents": QueryCase("{ documents { nodes { id } } }"),
    "search": QueryCase('{ search(query: "first") { nodes { ... on Node { id } } } }'),
    "changes": QueryCase("{ changes { cursor } }"),
    "snapshot": QueryCase("{ snapshot(types: [TASK]) { cursor } }"),
    "notifications": QueryCase("{ notifications { nodes { id } } }"),
    "job": QueryCase("query ($of: ID!) { job(id: $of) { id state } }", ("Job",)),
    "jobs": QueryCase("{ jobs { nodes { id } } }"),
    "server": QueryCase("{ server { version } }"),
    "webhook": QueryCase("query ($of: ID!) { webhook(id: $of) { id url } }", ("Webhook",)),
    "shareLink": QueryCase("{ shareLink { id } }"),
    "explainAccess": QueryCase(
        "query ($of: ID!) { explainAccess(nodeId: $of, action: READ) { allowed } }",
        ("Attachment", "Comment", "Document", "Label", "OAuthClient", "Project", "Task", "Team", "User", "Webhook"),
    ),
    "rateLimit": QueryCase("{ rateLimit { remaining } }"),
}

SUBSCRIPTIONS: Mapping[str, QueryCase] = {
    "changes": QueryCase("subscription { changes { kind } }"),
    "documentCollaboration": QueryCase(
        'subscription ($of: ID!) { documentCollaboration(id: $of, sessionId: "s") { __typename } }', ("Document",)
    ),
    "jobUpdated": QueryCase("subscription ($of: ID!) { jobUpdated(id: $of) { id } }", ("Job",)),
    "notificationReceived": QueryCase("subscription { notificationReceived { id } }"),
    "taskChanged": QueryCase("subscription ($of: ID!) { taskChanged(id: $of) { kind } }", ("Task",)),
}
