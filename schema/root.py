"""Defines Query, Mutation and Subscription, and builds the schema."""

from collections.abc import AsyncGenerator

import strawberry
from strawberry.schema.config import StrawberryConfig

import resolvers.account
import resolvers.administration
import resolvers.change
import resolvers.collaboration
import resolvers.comment
import resolvers.document
import resolvers.label
import resolvers.node
import resolvers.notification
import resolvers.notification_settings
import resolvers.project
import resolvers.search
import resolvers.server
import resolvers.session
import resolvers.snapshot
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
from schema.access_mutations import AccessMutations
from schema.access_queries import AccessQueries
from schema.account_mutations import AccountMutations
from schema.connection import Connection
from schema.document_mutations import DocumentMutations
from schema.errors import ERROR_TYPES
from schema.fields import change_subscription, event_subscription, query
from schema.file_mutations import FileMutations
from schema.job_fields import JobMutations, JobQueries, JobSubscriptions
from schema.node import Node
from schema.notification_mutations import NotificationMutations
from schema.payload import mutation
from schema.template_mutations import TemplateMutations
from schema.types.api_token import ApiToken
from schema.types.attachment import Attachment
from schema.types.change import Activity, Change, ChangeConnection
from schema.types.collaboration import DocumentEvent
from schema.types.comment import Comment, CommentPayload
from schema.types.document import Document, DocumentVersion
from schema.types.notification import Notification, NotificationConnection
from schema.types.oauth_client import OAuthClient
from schema.types.project import Project, ProjectPayload
from schema.types.search import SearchConnection
from schema.types.server import RateLimit, ServerInfo
from schema.types.snapshot import Snapshot
from schema.types.task import Task, TaskLink, TaskPayload, TasksPayload
from schema.types.team import Label, LabelPayload, Team, TeamPayload
from schema.types.user import BasicPayload, DeletePayload, Factor, MailPayload, Session, SessionPayload, User, UserPayload
from schema.undo_mutations import UndoMutations
from schema.webhook_fields import WebhookMutations, WebhookQueries

_ME = Scope.PROFILE_WRITE
_TEAMS = Scope.TEAMS_WRITE
_PROJECTS = Scope.PROJECTS_WRITE
_TASKS = Scope.TASKS_WRITE


@strawberry.type(description="Queries.")
class Query(AccessQueries, JobQueries, WebhookQueries):
    """The root of queries."""

    node: Node | None = query(resolvers.node.node, "Object with a global id.", guard="signed in")
    nodes: list[Node | None] = query(
        resolvers.node.nodes, "Objects with the given global ids, in the same order.", guard="signed in"
    )
    viewer: User | None = query(resolvers.user.viewer, "The signed-in user; null for an anonymous request.", guard="public")
    user: User | None = query(resolvers.user.get, "A user who shares a team with the viewer.", guard=Scope.TEAMS_READ)
    users: Connection[User] | None = query(
        resolvers.user.list_visible, "Users who share a team with the viewer, by name.", guard=Scope.TEAMS_READ
    )
    server_users: Connection[User] | None = query(
        resolvers.administration.accounts,
        "All accounts, by name, for administrators of the server; an empty list for others.",
        guard=Scope.ADMIN,
    )
    team: Team | None = query(resolvers.team.get, "A team of the viewer.", guard=Scope.TEAMS_READ)
    teams: Connection[Team] | None = query(resolvers.team.list_visible, "Teams of the viewer, by name.", guard=Scope.TEAMS_READ)
    project: Project | None = query(resolvers.project.get, "A project.", guard=Scope.PROJECTS_READ)
    projects: Connection[Project] | None = query(
        resolvers.project.list_visible, "Projects that the viewer can see.", guard=Scope.PROJECTS_READ
    )
    task: Task | None = query(resolvers.task.get, "A task.", guard=Scope.TASKS_READ)
    task_by_key: Task | None = query(resolvers.task.by_key, "A task by its readable key, such as ENG-42.", guard=Scope.TASKS_READ)
    tasks: Connection[Task] | None = query(resolvers.task.list_visible, "Tasks that the viewer can see.", guard=Scope.TASKS_READ)
    document: Document | None = query(resolvers.document.get, "A document.", guard=Scope.DOCUMENTS_READ)
    documents: Connection[Document] | None = query(
        resolvers.document.list_visible, "Documents that the viewer can see.", guard=Scope.DOCUMENTS_READ
    )
    search: SearchConnection | None = query(
        resolvers.search.page,
        "Users, teams, projects, tasks, documents and comments that a query means, among those that the viewer can see. A file's "
        "name finds what it is attached to.",
        guard=Scope.SEARCH,
        weight=10,
    )
    changes: ChangeConnection | None = query(
        resolvers.change.page,
        "Changes since a cursor; `after: null` starts now. An expired cursor gives CURSOR_EXPIRED: the client reloads.",
        guard=Scope.TASKS_READ,
        weight=5,
    )
    snapshot: Snapshot | None = query(
        resolvers.snapshot.get,
        "Where to read everything of some types that the viewer may see, in the form of docs/clients.md.",
        guard=Scope.TASKS_READ,
        weight=5,
    )
    notifications: NotificationConnection | None = query(
        resolvers.notification.list_own,
        "Notifications of the viewer, the newest first: those in the inbox, unless others are asked for.",
        guard=Scope.NOTIFICATIONS_READ,
    )
    rate_limit: RateLimit | None = query(
        resolvers.server.rate_limit,
        "Cost of this operation, and what is left of the viewer's limit; null where costs are not limited.",
        guard="public",
    )
    server: ServerInfo = query(resolvers.server.server, "Version, features and limits of the server.", guard="public")


@strawberry.type(description="Mutations. Each field runs in its own transaction.")
class Mutation(
    AccessMutations,
    AccountMutations,
    DocumentMutations,
    FileMutations,
    JobMutations,
    NotificationMutations,
    UndoMutations,
    TemplateMutations,
    WebhookMutations,
):
    """The root of mutations."""

    user_register: SessionPayload | None = mutation(
        resolvers.session.register,
        user_inputs.UserRegisterInput,
        "Registers an account and signs in; or, where addresses must be verified, sends a mail and returns no account.",
        guard="public",
        prepare=resolvers.session.hash_password,
    )
    session_create: SessionPayload | None = mutation(
        resolvers.session.create,
        user_inputs.SessionCreateInput,
        "Signs in with a password.",
        guard="public",
        prepare=resolvers.session.check_password,
    )
    session_refresh: SessionPayload | None = mutation(
        resolvers.session.refresh,
        user_inputs.SessionRefreshInput,
        "Refreshes a session. The refresh token is replaced.",
        guard="public",
    )
    session_revoke: BasicPayload | None = mutation(
        resolvers.session.revoke,
        user_inputs.SessionRevokeInput,
        "Ends sessions: the current one, another one, or all others.",
        guard=_ME,
    )
    session_reauthenticate: BasicPayload | None = mutation(
        resolvers.session.reauthenticate,
        user_inputs.SessionReauthenticateInput,
        "Shows again who the viewer is, for the ten minutes that changes of password, address and factors allow.",
        guard=_ME,
        prepare=resolvers.session.check_own_password,
        holds_secrets=True,
    )
    password_change: BasicPayload | None = mutation(
        resolvers.session.change_password,
        user_inputs.PasswordChangeInput,
        "Replaces the viewer's password and ends all other sessions. Needs a sign-in of the last ten minutes.",
        guard=_ME,
        prepare=resolvers.session.hash_new_password,
        holds_secrets=True,
    )
    email_verify: UserPayload | None = mutation(
        resolvers.account.verify_email,
        user_inputs.TokenInput,
        "Confirms an e-mail address with the token that was sent to it: a new account's, or either address of a change.",
        guard="public",
        prepare=resolvers.account.count_token,
    )
    email_change_request: MailPayload | None = mutation(
        resolvers.account.request_email_change,
        user_inputs.EmailChangeRequestInput,
        "Asks the old and the new address to confirm the change. Needs a sign-in of the last ten minutes.",
        guard=_ME,
        prepare=resolvers.account.count_mail,
    )
    password_reset_request: MailPayload | None = mutation(
        resolvers.account.request_password_reset,
        user_inputs.PasswordResetRequestInput,
        "Sends whoever has the address a link to choose a new password. The answer does not depend on whether anybody has it.",
        guard="public",
        prepare=resolvers.account.count_mail,
    )
    password_reset: BasicPayload | None = mutation(
        resolvers.account.reset_password,
        user_inputs.PasswordResetInput,
        "Replaces the password of whoever got the token by mail, and ends all sessions.",
        guard="public",
        prepare=resolvers.account.prepare_reset,
    )
    user_update: UserPayload | None = mutation(
        resolvers.user.update, user_inputs.UserUpdateInput, "Updates the viewer's profile.", guard=_ME
    )
    user_delete: DeletePayload | None = mutation(
        resolvers.user.delete,
        team_inputs.DeleteInput,
        "Closes the viewer's account. Needs a sign-in of the last ten minutes.",
        guard=_ME,
        delete=["User"],
    )

    team_create: TeamPayload | None = mutation(
        resolvers.team.create, team_inputs.TeamCreateInput, "Creates a team, owned by the viewer.", guard=_TEAMS
    )
    team_update: TeamPayload | None = mutation(
        resolvers.team.update, team_inputs.TeamUpdateInput, "Updates a team.", guard=_TEAMS
    )
    team_delete: DeletePayload | None = mutation(
        resolvers.team.delete, team_inputs.DeleteInput, "Deletes a team with everything in it.", guard=_TEAMS, delete=["Team"]
    )
    team_invite: TeamPayload | None = mutation(
        resolvers.team.invite, team_inputs.TeamInviteInput, "Invites an e-mail address to a team.", guard=_TEAMS
    )
    invitation_accept: TeamPayload | None = mutation(
        resolvers.team.accept_invitation, user_inputs.TokenInput, "Accepts an invitation to a team.", guard=_TEAMS
    )
    invitation_revoke: DeletePayload | None = mutation(
        resolvers.team.revoke_invitation,
        team_inputs.DeleteInput,
        "Revokes an invitation.",
        guard=_TEAMS,
        delete=["Invitation"],
    )
    team_member_set_role: TeamPayload | None = mutation(
        resolvers.team.set_role, team_inputs.TeamMemberSetRoleInput, "Sets the role of a member.", guard=_TEAMS
    )
    team_member_remove: TeamPayload | None = mutation(
        resolvers.team.remove_member,
        team_inputs.TeamMemberRemoveInput,
        "Removes a member from a team, or leaves it.",
        guard=_TEAMS,
    )
    label_create: LabelPayload | None = mutation(
        resolvers.label.create, team_inputs.LabelCreateInput, "Creates a label.", guard=_TEAMS
    )
    label_update: LabelPayload | None = mutation(
        resolvers.label.update, team_inputs.LabelUpdateInput, "Updates a label.", guard=_TEAMS
    )
    label_delete: DeletePayload | None = mutation(
        resolvers.label.delete,
        team_inputs.DeleteInput,
        "Deletes a label and removes it from all tasks.",
        guard=_TEAMS,
        delete=["Label"],
    )

    project_create: ProjectPayload | None = mutation(
        resolvers.project.create, project_inputs.ProjectCreateInput, "Creates a project.", guard=_PROJECTS
    )
    project_update: ProjectPayload | None = mutation(
        resolvers.project.update, project_inputs.ProjectUpdateInput, "Updates a project.", guard=_PROJECTS
    )
    project_set_members: ProjectPayload | None = mutation(
        resolvers.project.set_members,
        project_inputs.ProjectSetMembersInput,
        "Adds members to a project and removes others.",
        guard=_PROJECTS,
    )
    project_delete: DeletePayload | None = mutation(
        resolvers.project.delete,
        team_inputs.DeleteInput,
        "Deletes a project and everything in it (restorable).",
        guard=_PROJECTS,
        delete=["Project"],
    )
    project_restore: ProjectPayload | None = mutation(
        resolvers.project.restore, team_inputs.RestoreInput, "Restores a deleted project.", guard=_PROJECTS, delete=["Project"]
    )

    task_create: TaskPayload | None = mutation(
        resolvers.task.create, task_inputs.TaskCreateInput, "Creates a task.", guard=_TASKS
    )
    task_update: TaskPayload | None = mutation(
        resolvers.task.update, task_inputs.TaskUpdateInput, "Updates a task.", guard=_TASKS
    )
    task_move: TaskPayload | None = mutation(
        resolvers.task.move,
        task_inputs.TaskMoveInput,
        "Moves a task: project, parent, status and position in one step.",
        guard=_TASKS,
    )
    task_delete: DeletePayload | None = mutation(
        resolvers.task.delete,
        team_inputs.DeleteInput,
        "Deletes a task and its subtasks (restorable).",
        guard=_TASKS,
        delete=["Task"],
    )
    task_restore: TaskPayload | None = mutation(
        resolvers.task.restore, team_inputs.RestoreInput, "Restores a deleted task.", guard=_TASKS, delete=["Task"]
    )
    task_link: TaskPayload | None = mutation(resolvers.task.link, task_inputs.TaskLinkInput, "Links two tasks.", guard=_TASKS)
    task_unlink: DeletePayload | None = mutation(
        resolvers.task.unlink,
        team_inputs.DeleteInput,
        "Removes a link between two tasks, on both sides.",
        guard=_TASKS,
        delete=["TaskLink"],
    )
    tasks_update: TasksPayload | None = mutation(
        resolvers.task.update_many, task_inputs.TasksUpdateInput, "Updates many tasks in the same way.", guard=_TASKS
    )
    tasks_create: TasksPayload | None = mutation(
        resolvers.task.create_many, task_inputs.TasksCreateInput, "Creates many tasks.", guard=_TASKS
    )

    comment_create: CommentPayload | None = mutation(
        resolvers.comment.create,
        comment_inputs.CommentCreateInput,
        "Comments on a task or document.",
        guard=_TASKS,
        prepare=resolvers.comment.resolve_anchor,
        prepare_if="anchor",
    )
    comment_update: CommentPayload | None = mutation(
        resolvers.comment.update, comment_inputs.CommentUpdateInput, "Edits a comment of the viewer.", guard=_TASKS
    )
    comment_resolve: CommentPayload | None = mutation(
        resolvers.comment.resolve, comment_inputs.CommentResolveInput, "Resolves a thread, or reopens it.", guard=_TASKS
    )
    comment_react: CommentPayload | None = mutation(
        resolvers.comment.react, comment_inputs.CommentReactInput, "Adds a reaction of the viewer, or removes it.", guard=_TASKS
    )
    comment_delete: DeletePayload | None = mutation(
        resolvers.comment.delete,
        team_inputs.DeleteInput,
        "Deletes a comment with its replies.",
        guard=_TASKS,
        delete=["Comment"],
    )

    watch_set: BasicPayload | None = mutation(
        resolvers.watch.set_watching, comment_inputs.WatchSetInput, "Starts or stops watching a task or document.", guard=_TASKS
    )
    mark_seen: BasicPayload | None = mutation(
        resolvers.watch.mark_seen, comment_inputs.MarkSeenInput, "Marks a task or document as seen by the viewer.", guard=_TASKS
    )


@strawberry.type(description="Subscriptions.")
class Subscription(JobSubscriptions):
    """The root of subscriptions."""

    changes: AsyncGenerator[Change, None] = change_subscription(
        resolvers.change.changes,
        "Changes after a cursor that the viewer can see, in order and without gaps: past ones first, then live.",
        guard=Scope.TASKS_READ,
    )
    task_changed: AsyncGenerator[Change, None] = change_subscription(
        resolvers.change.task_changes, "Changes of a task and of its comments, links and attachments.", guard=Scope.TASKS_READ
    )
    document_collaboration: AsyncGenerator[DocumentEvent, None] = event_subscription(
        resolvers.collaboration.stream_events,
        "Live events of a document: edits, presence, saved versions and changes of access.",
        guard=Scope.DOCUMENTS_READ,
    )
    notification_received: AsyncGenerator[Notification, None] = event_subscription(
        resolvers.notification.stream_received,
        "New notifications of the viewer, in order and without gaps: those after the cursor first, then live ones.",
        guard=Scope.NOTIFICATIONS_READ,
    )


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Activity, ApiToken, Attachment, Comment, DocumentVersion, Factor, Label, OAuthClient, Session, TaskLink, *ERROR_TYPES],
    config=StrawberryConfig(scalar_map=SCALARS),
)
bindings = field_rules.collect_bindings(schema)
