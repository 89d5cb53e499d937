"""Tasks, comments and what belongs to them, made through the graph; and whether anything was written at all."""

from typing import Any

from schema.root import schema
from tests.support.app import App, Person
from tests.support.teams import SampleTeam

TASK_FIELDS = """
  id version key title description status priority startOn dueOn completedAt estimate rank deletedAt externalRef
  assignee { id } creator { id } parent { id } project { id } labels { nodes { name } }
"""
DOCUMENT_FIELDS = """
  id version title type rank preview deletedAt owner { id } parent { id } project { id } latestVersion { id number name }
"""
COMMENT_FIELDS = """
  id version body editedAt resolvedAt resolvedBy { id } author { id } parent { id } mentions { id }
  reactions { emoji count viewerReacted }
"""
ERROR_FIELDS = """
  errors {
    __typename code message path
    ... on LimitError { limit } ... on ForbiddenError { missing } ... on ConflictError { currentVersion current { id version } }
  }
"""
_PAYLOAD_SELECTIONS = {
    "ApiTokenPayload": "apiToken { id }",
    "ShareLinkPayload": "shareLink { id }",
    "AttachmentPayload": "attachment { id state }",
    "UploadPayload": "attachment { id state }",
    "BasicPayload": "",
    "CommentPayload": f"comment {{ {COMMENT_FIELDS} }}",
    "DocumentSyncPayload": "position",
    "DocumentPayload": f"document {{ {DOCUMENT_FIELDS} }}",
    "DeletePayload": "deletedId",
    "FactorPayload": "factor { id kind label }",
    "JobPayload": "job { id state version }",
    "MailPayload": "",
    "LabelPayload": "label { id name }",
    "NotificationsPayload": "unreadCount notifications { id reason readAt archivedAt snoozedUntil }",
    "OAuthClientPayload": "oauthClient { id version }",
    "WebhookPayload": "webhook { id version }",
    "PushDevicePayload": "device { id platform label }",
    "PasskeyRequestPayload": "expiresAt",
    "ProjectPayload": "project { id version }",
    "SessionPayload": "user { id }",
    "TaskPayload": f"task {{ {TASK_FIELDS} }}",
    "TasksPayload": f"succeeded failed results {{ index id task {{ {TASK_FIELDS} }} {ERROR_FIELDS} }}",
    "TemplatePayload": "template { id version }",
    "TemplateUsePayload": "project { id version } task { id version }",
    "TeamPayload": "team { id version }",
    "UndoPayload": "change { id kind type entityId fields { field before after } }",
    "UserPayload": "user { id version }",
}
_MUTATION_FIELDS = schema._schema.mutation_type.fields  # type: ignore[union-attr]
_TABLES = """
  teams team_members labels projects project_members tasks task_aliases task_links comments comment_reactions watchers seen_marks
  document_references documents document_versions document_heads document_updates
  notifications notification_settings notification_deliveries push_devices mail_reports
  search_entries attachments discarded_blobs jobs user_jobs users sessions factors recovery_codes external_identities account_tokens
  invitations calendar_feeds templates streams events idempotency_keys
""".split()  # noqa: SIM905 (easier to read)
_WITHOUT_REFUSALS = dict.fromkeys(("events", "streams"), "WHERE stream NOT LIKE 'audit:%'")
# Every row of every table is read, so it matters that the age of a transaction is computed in a third of the time that its number takes.
_LAST_WRITE = "age('3'::xid) + 3 - min(age(xmin))"
_STATE_QUERY = " UNION ALL ".join(
    f"SELECT '{table}', count(*), {_LAST_WRITE} FROM {table} {_WITHOUT_REFUSALS.get(table, '')}" for table in _TABLES
)


def mutation_text(field: str, selection: str | None = None) -> str:
    """The text of a mutation with one variable `input`."""
    declared = _MUTATION_FIELDS[field]
    wanted = _PAYLOAD_SELECTIONS[str(declared.type)] if selection is None else selection
    return f"mutation ($input: {declared.args['input'].type}) {{ {field}(input: $input) {{ clientMutationId {ERROR_FIELDS} {wanted} }} }}"


async def mutate(app: App, person: Person, field: str, selection: str | None = None, /, **fields: Any) -> Any:
    """A mutation's payload."""
    return (await app.run(person, mutation_text(field, selection), input=fields))[field]


async def mutate_ok(app: App, person: Person, field: str, /, **fields: Any) -> Any:
    """What a mutation gave that was not refused: the task, comment, project or label."""
    payload = await mutate(app, person, field, **fields)
    assert payload["errors"] == [], payload["errors"]
    (made,) = (value for name, value in payload.items() if name not in ("clientMutationId", "errors"))
    return made


async def create_task(app: App, team: SampleTeam, title: str = "Task", /, *, by: Person | None = None, **fields: Any) -> Any:
    """A task in the team's project, unless another is named."""
    return await mutate_ok(app, by or team.member, "taskCreate", **({"projectId": team.project_id, "title": title} | fields))


async def create_document(
    app: App, team: SampleTeam, title: str = "Document", /, *, by: Person | None = None, **fields: Any
) -> Any:
    """A document in the team's project, unless another is named."""
    return await mutate_ok(app, by or team.member, "documentCreate", **({"projectId": team.project_id, "title": title} | fields))


async def create_comment(app: App, person: Person, subject: Any, body: str = "Well said.", /, **fields: Any) -> Any:
    """A comment on a task."""
    return await mutate_ok(app, person, "commentCreate", subjectId=subject["id"], body=body, **fields)


async def create_project(app: App, team: SampleTeam, name: str, /, *, private_to: list[Person] | None = None) -> str:
    """Another project of the team; with members it is private to them and the owner."""
    visibility = "TEAM" if private_to is None else "PRIVATE"
    made = await mutate_ok(app, team.owner, "projectCreate", teamId=team.team_id, name=name, visibility=visibility)
    if private_to:
        await mutate_ok(app, team.owner, "projectSetMembers", id=made["id"], addUserIds=[each.id for each in private_to])
    project_id: str = made["id"]
    return project_id


async def create_label(app: App, person: Person, team_id: str, name: str) -> str:
    """A label's id."""
    made = await mutate_ok(app, person, "labelCreate", teamId=team_id, name=name, color="#336699")
    label_id: str = made["id"]
    return label_id


async def fetch_task(app: App, person: Person, task_id: str, selection: str = TASK_FIELDS) -> Any:
    """A task as a person sees it; None where they may not."""
    return (await app.run(person, f"query ($id: ID!) {{ task(id: $id) {{ {selection} }} }}", id=task_id))["task"]


async def task_titles(app: App, person: Person, project_id: str) -> list[str]:
    """The titles of a project's tasks, by rank."""
    found = await app.run(
        person, "query ($id: ID!) { project(id: $id) { tasks(first: 100) { nodes { title } } } }", id=project_id
    )
    return [each["title"] for each in found["project"]["tasks"]["nodes"]]


async def table_states(app: App) -> dict[str, tuple[int, int | None]]:
    """Of every table how many rows it has and the last transaction that wrote one: equal before and after, nothing was
    written but that something was refused."""
    return {row[0]: (row[1], row[2]) for row in await app.sql.fetch(_STATE_QUERY)}


def codes_and_paths(payload: Any) -> list[tuple[str, list[str] | None]]:
    """Codes and paths of a payload's errors."""
    return [(each["code"], each["path"]) for each in payload["errors"]]
