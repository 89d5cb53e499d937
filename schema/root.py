"""Query, Mutation and Subscription, and the schema object made of them."""

from collections.abc import AsyncGenerator

import strawberry
from strawberry.schema.config import StrawberryConfig

import resolvers.change
import resolvers.collaboration
import resolvers.comment
import resolvers.document
import resolvers.label
import resolvers.node
import resolvers.project
import resolvers.server
import resolvers.session
import resolvers.task
import resolvers.team
import resolvers.user
import resolvers.watch
from domain.actor import Scope
from resolvers.inputs import comment as comment_inputs
from resolvers.inputs import project as project_inputs
from resolvers.inputs import task as task_inputs
from resolvers.inputs import team as team_inputs
from resolvers.inputs import user as user_inputs
from resolvers.scalars import SCALARS
from schema import field_rules
from schema.connection import Connection
from schema.document_mutations import DocumentMutations
from schema.errors import ERROR_TYPES
from schema.fields import change_subscription, event_subscription, query
from schema.file_mutations import FileMutations
from schema.node import Node
from schema.payload import mutation
from schema.types.attachment import Attachment
from schema.types.change import Activity, Change, ChangeConnection
from schema.types.collaboration import DocumentEvent
from schema.types.comment import Comment, CommentPayload
from schema.types.document import Document, DocumentVersion
from schema.types.project import Project, ProjectPayload
from schema.types.server import ServerInfo
from schema.types.task import Task, TaskLink, TaskPayload, TasksPayload
from schema.types.team import Label, LabelPayload, Team, TeamPayload
from schema.types.user import BasicPayload, DeletePayload, Session, SessionPayload, User, UserPayload

_ME = Scope.PROFILE_WRITE
_TEAMS = Scope.TEAMS_WRITE
_PROJECTS = Scope.PROJECTS_WRITE
_TASKS = Scope.TASKS_WRITE


@strawberry.type(description="Reading.")
class Query:
    """The root of queries."""

    node: Node | None = query(resolvers.node.node, "One object by its global id.", guard="signed in")
    nodes: list[Node | None] = query(resolvers.node.nodes, "Objects by their global ids, in order.", guard="signed in")
    viewer: User | None = query(resolvers.user.viewer, "Who is signed in; null for nobody.", guard="public")
    user: User | None = query(resolvers.user.get, "Somebody who shares a team with the viewer.", guard=Scope.TEAMS_READ)
    users: Connection[User] | None = query(
        resolvers.user.list_visible, "Everybody who shares a team with the viewer, by name.", guard=Scope.TEAMS_READ
    )
    team: Team | None = query(resolvers.team.get, "A team of the viewer's.", guard=Scope.TEAMS_READ)
    teams: Connection[Team] | None = query(resolvers.team.list_visible, "The viewer's teams, by name.", guard=Scope.TEAMS_READ)
    project: Project | None = query(resolvers.project.get, "A project.", guard=Scope.PROJECTS_READ)
    projects: Connection[Project] | None = query(
        resolvers.project.list_visible, "Every project that the viewer may see.", guard=Scope.PROJECTS_READ
    )
    task: Task | None = query(resolvers.task.get, "A task.", guard=Scope.TASKS_READ)
    task_by_key: Task | None = query(resolvers.task.by_key, "A task by its human key.", guard=Scope.TASKS_READ)
    tasks: Connection[Task] | None = query(
        resolvers.task.list_visible, "Every task that the viewer may see.", guard=Scope.TASKS_READ
    )
    document: Document | None = query(resolvers.document.get, "A document.", guard=Scope.DOCUMENTS_READ)
    documents: Connection[Document] | None = query(
        resolvers.document.list_visible, "Every document that the viewer may see.", guard=Scope.DOCUMENTS_READ
    )
    changes: ChangeConnection | None = query(
        resolvers.change.page,
        "Delta since a cursor. `after: null` starts at now; an expired cursor gives CURSOR_EXPIRED and the client reloads.",
        guard=Scope.TASKS_READ,
        weight=5,
    )
    server: ServerInfo = query(resolvers.server.server, "What answers, and what it accepts.", guard="public")


@strawberry.type(description="Writing. Every field is one transaction.")
class Mutation(DocumentMutations, FileMutations):
    """The root of mutations."""

    user_register: SessionPayload | None = mutation(
        resolvers.session.register,
        user_inputs.UserRegisterInput,
        "Makes an account and signs in to it.",
        guard="public",
        prepare=resolvers.session.hash_password,
    )
    session_create: SessionPayload | None = mutation(
        resolvers.session.create,
        user_inputs.SessionCreateInput,
        "Signs in by password.",
        guard="public",
        prepare=resolvers.session.check_password,
    )
    session_refresh: SessionPayload | None = mutation(
        resolvers.session.refresh,
        user_inputs.SessionRefreshInput,
        "Stays signed in; the refresh token is replaced.",
        guard="public",
    )
    session_revoke: BasicPayload | None = mutation(
        resolvers.session.revoke,
        user_inputs.SessionRevokeInput,
        "Signs out: here, elsewhere, or everywhere else.",
        guard="signed in",
    )
    user_update: UserPayload | None = mutation(
        resolvers.user.update, user_inputs.UserUpdateInput, "Changes the viewer's profile.", guard=_ME
    )
    user_delete: DeletePayload | None = mutation(
        resolvers.user.delete, team_inputs.DeleteInput, "Closes the viewer's account.", guard=_ME, delete=["User"]
    )

    team_create: TeamPayload | None = mutation(
        resolvers.team.create, team_inputs.TeamCreateInput, "Founds a team; the viewer owns it.", guard=_TEAMS
    )
    team_update: TeamPayload | None = mutation(
        resolvers.team.update, team_inputs.TeamUpdateInput, "Changes a team.", guard=_TEAMS
    )
    team_delete: DeletePayload | None = mutation(
        resolvers.team.delete, team_inputs.DeleteInput, "Dissolves a team with all that is its.", guard=_TEAMS, delete=["Team"]
    )
    team_invite: TeamPayload | None = mutation(
        resolvers.team.invite, team_inputs.TeamInviteInput, "Asks an address to join.", guard=_TEAMS
    )
    invitation_accept: TeamPayload | None = mutation(
        resolvers.team.accept_invitation, user_inputs.TokenInput, "Joins the team that a token invites to.", guard=_TEAMS
    )
    invitation_revoke: DeletePayload | None = mutation(
        resolvers.team.revoke_invitation,
        team_inputs.DeleteInput,
        "Takes an invitation back.",
        guard=_TEAMS,
        delete=["Invitation"],
    )
    team_member_set_role: TeamPayload | None = mutation(
        resolvers.team.set_role, team_inputs.TeamMemberSetRoleInput, "Gives a member another role.", guard=_TEAMS
    )
    team_member_remove: TeamPayload | None = mutation(
        resolvers.team.remove_member, team_inputs.TeamMemberRemoveInput, "Removes a member, or leaves.", guard=_TEAMS
    )
    label_create: LabelPayload | None = mutation(
        resolvers.label.create, team_inputs.LabelCreateInput, "Makes a label.", guard=_TEAMS
    )
    label_update: LabelPayload | None = mutation(
        resolvers.label.update, team_inputs.LabelUpdateInput, "Changes a label.", guard=_TEAMS
    )
    label_delete: DeletePayload | None = mutation(
        resolvers.label.delete,
        team_inputs.DeleteInput,
        "Deletes a label and takes it off every task.",
        guard=_TEAMS,
        delete=["Label"],
    )

    project_create: ProjectPayload | None = mutation(
        resolvers.project.create, project_inputs.ProjectCreateInput, "Starts a project.", guard=_PROJECTS
    )
    project_update: ProjectPayload | None = mutation(
        resolvers.project.update, project_inputs.ProjectUpdateInput, "Changes a project.", guard=_PROJECTS
    )
    project_set_members: ProjectPayload | None = mutation(
        resolvers.project.set_members, project_inputs.ProjectSetMembersInput, "Adds people and takes others out.", guard=_PROJECTS
    )
    project_delete: DeletePayload | None = mutation(
        resolvers.project.delete,
        team_inputs.DeleteInput,
        "Puts a project away with its tasks.",
        guard=_PROJECTS,
        delete=["Project"],
    )
    project_restore: ProjectPayload | None = mutation(
        resolvers.project.restore, team_inputs.RestoreInput, "Brings a project back.", guard=_PROJECTS, delete=["Project"]
    )

    task_create: TaskPayload | None = mutation(
        resolvers.task.create, task_inputs.TaskCreateInput, "Writes a task down.", guard=_TASKS
    )
    task_update: TaskPayload | None = mutation(
        resolvers.task.update, task_inputs.TaskUpdateInput, "Changes a task.", guard=_TASKS
    )
    task_move: TaskPayload | None = mutation(
        resolvers.task.move, task_inputs.TaskMoveInput, "Changes project, parent, column and position in one step.", guard=_TASKS
    )
    task_delete: DeletePayload | None = mutation(
        resolvers.task.delete, team_inputs.DeleteInput, "Puts a task away with its sub-tasks.", guard=_TASKS, delete=["Task"]
    )
    task_restore: TaskPayload | None = mutation(
        resolvers.task.restore, team_inputs.RestoreInput, "Brings a task back.", guard=_TASKS, delete=["Task"]
    )
    task_link: TaskPayload | None = mutation(resolvers.task.link, task_inputs.TaskLinkInput, "Links two tasks.", guard=_TASKS)
    task_unlink: DeletePayload | None = mutation(
        resolvers.task.unlink, team_inputs.DeleteInput, "Takes a link away, on both sides.", guard=_TASKS, delete=["TaskLink"]
    )
    tasks_update: TasksPayload | None = mutation(
        resolvers.task.update_many, task_inputs.TasksUpdateInput, "Changes many tasks alike.", guard=_TASKS
    )
    tasks_create: TasksPayload | None = mutation(
        resolvers.task.create_many, task_inputs.TasksCreateInput, "Writes many tasks down.", guard=_TASKS
    )

    comment_create: CommentPayload | None = mutation(
        resolvers.comment.create,
        comment_inputs.CommentCreateInput,
        "Says something about a task or a document.",
        guard=_TASKS,
        prepare=resolvers.comment.resolve_anchor,
        prepare_if="anchor",
    )
    comment_update: CommentPayload | None = mutation(
        resolvers.comment.update, comment_inputs.CommentUpdateInput, "Edits one's own comment.", guard=_TASKS
    )
    comment_resolve: CommentPayload | None = mutation(
        resolvers.comment.resolve, comment_inputs.CommentResolveInput, "Closes a thread, or opens it again.", guard=_TASKS
    )
    comment_react: CommentPayload | None = mutation(
        resolvers.comment.react, comment_inputs.CommentReactInput, "Adds one's reaction, or takes it back.", guard=_TASKS
    )
    comment_delete: DeletePayload | None = mutation(
        resolvers.comment.delete,
        team_inputs.DeleteInput,
        "Deletes a comment, with its answers.",
        guard=_TASKS,
        delete=["Comment"],
    )

    watch_set: BasicPayload | None = mutation(
        resolvers.watch.set_watching, comment_inputs.WatchSetInput, "Watches something, or stops watching it.", guard=_TASKS
    )
    mark_seen: BasicPayload | None = mutation(
        resolvers.watch.mark_seen, comment_inputs.MarkSeenInput, "Notes that the viewer has seen something.", guard=_TASKS
    )


@strawberry.type(description="Watching.")
class Subscription:
    """The root of subscriptions."""

    changes: AsyncGenerator[Change, None] = change_subscription(
        resolvers.change.changes,
        "Every visible change after a cursor, in order, without gaps; replays first, then continues live.",
        guard=Scope.TASKS_READ,
    )
    task_changed: AsyncGenerator[Change, None] = change_subscription(
        resolvers.change.task_changes, "Changes of one task with its comments, links and attachments.", guard=Scope.TASKS_READ
    )
    document_collaboration: AsyncGenerator[DocumentEvent, None] = event_subscription(
        resolvers.collaboration.stream_events,
        "Live editing of one document: edits, presence and saved versions.",
        guard=Scope.DOCUMENTS_READ,
    )


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Activity, Attachment, Comment, DocumentVersion, Label, Session, TaskLink, *ERROR_TYPES],
    config=StrawberryConfig(scalar_map=SCALARS),
)
bindings = field_rules.collect_bindings(schema)
