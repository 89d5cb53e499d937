"""Tasks, comments and what belongs to them, made through the graph; and whether anything was written at all."""

from typing import Any

from schema.root import schema
from tests.app import App, Person
from tests.people import People

TASK = """
  id version key title description status priority startOn dueOn completedAt estimate rank deletedAt externalRef
  assignee { id } creator { id } parent { id } project { id } labels { nodes { name } }
"""
DOCUMENT = """
  id version title type rank preview deletedAt owner { id } parent { id } project { id } latestVersion { id number name }
"""
COMMENT = """
  id version body editedAt resolvedAt resolvedBy { id } author { id } parent { id } mentions { id }
  reactions { emoji count viewerReacted }
"""
ERRORS = """
  errors {
    __typename code message path
    ... on LimitError { limit } ... on ForbiddenError { missing } ... on ConflictError { currentVersion current { id version } }
  }
"""
_GIVES = {
    "AttachmentPayload": "attachment { id state }",
    "UploadPayload": "attachment { id state }",
    "BasicPayload": "",
    "CommentPayload": f"comment {{ {COMMENT} }}",
    "DocumentSyncPayload": "position",
    "DocumentPayload": f"document {{ {DOCUMENT} }}",
    "DeletePayload": "deletedId",
    "LabelPayload": "label { id name }",
    "ProjectPayload": "project { id version }",
    "SessionPayload": "user { id }",
    "TaskPayload": f"task {{ {TASK} }}",
    "TasksPayload": f"succeeded failed results {{ index id task {{ {TASK} }} {ERRORS} }}",
    "TeamPayload": "team { id version }",
    "UserPayload": "user { id version }",
}
_MUTATIONS = schema._schema.mutation_type.fields  # type: ignore[union-attr]
_TABLES = """
  teams team_members labels projects project_members tasks task_aliases task_links comments comment_reactions watchers seen_marks
  document_references documents document_versions document_heads document_updates
  attachments discarded_blobs users sessions invitations streams events idempotency_keys
""".split()  # noqa: SIM905 (easier to read)
_STATE = " UNION ALL ".join(f"SELECT '{table}', count(*), max(xmin::text::bigint) FROM {table}" for table in _TABLES)


def operation(field: str, gives: str | None = None) -> str:
    """The text of a mutation with one variable `input`."""
    declared = _MUTATIONS[field]
    wanted = _GIVES[str(declared.type)] if gives is None else gives
    return (
        f"mutation ($input: {declared.args['input'].type}) {{ {field}(input: $input) {{ clientMutationId {ERRORS} {wanted} }} }}"
    )


async def do(app: App, person: Person, field: str, gives: str | None = None, /, **given: Any) -> Any:
    """A mutation's payload."""
    return (await app.run(person, operation(field, gives), input=given))[field]


async def done(app: App, person: Person, field: str, /, **given: Any) -> Any:
    """What a mutation gave that was not refused: the task, comment, project or label."""
    payload = await do(app, person, field, **given)
    assert payload["errors"] == [], payload["errors"]
    (made,) = (value for name, value in payload.items() if name not in ("clientMutationId", "errors"))
    return made


async def task(app: App, team: People, title: str = "Task", /, *, by: Person | None = None, **given: Any) -> Any:
    """A task in the team's project, unless another is named."""
    return await done(app, by or team.member, "taskCreate", **({"projectId": team.project_id, "title": title} | given))


async def document(app: App, team: People, title: str = "Document", /, *, by: Person | None = None, **given: Any) -> Any:
    """A document in the team's project, unless another is named."""
    return await done(app, by or team.member, "documentCreate", **({"projectId": team.project_id, "title": title} | given))


async def comment(app: App, person: Person, subject: Any, body: str = "Well said.", /, **given: Any) -> Any:
    """A comment on a task."""
    return await done(app, person, "commentCreate", subjectId=subject["id"], body=body, **given)


async def project(app: App, team: People, name: str, /, *, private_to: list[Person] | None = None) -> str:
    """Another project of the team; with members it is private to them and the owner."""
    visibility = "TEAM" if private_to is None else "PRIVATE"
    made = await done(app, team.owner, "projectCreate", teamId=team.team_id, name=name, visibility=visibility)
    if private_to:
        await done(app, team.owner, "projectSetMembers", id=made["id"], addUserIds=[each.id for each in private_to])
    project_id: str = made["id"]
    return project_id


async def label(app: App, person: Person, team_id: str, name: str) -> str:
    """A label's id."""
    made = await done(app, person, "labelCreate", teamId=team_id, name=name, color="#336699")
    label_id: str = made["id"]
    return label_id


async def seen(app: App, person: Person, task_id: str, gives: str = TASK) -> Any:
    """A task as somebody sees it; None where he doesn't."""
    return (await app.run(person, f"query ($id: ID!) {{ task(id: $id) {{ {gives} }} }}", id=task_id))["task"]


async def board(app: App, person: Person, project_id: str) -> list[str]:
    """The titles of a project's tasks, by rank."""
    found = await app.run(
        person, "query ($id: ID!) { project(id: $id) { tasks(first: 100) { nodes { title } } } }", id=project_id
    )
    return [each["title"] for each in found["project"]["tasks"]["nodes"]]


async def everything(app: App) -> dict[str, tuple[int, int | None]]:
    """Of every table how many rows it has and the last transaction that wrote one: equal before and after, nothing was
    written."""
    return {row[0]: (row[1], row[2]) for row in await app.sql.fetch(_STATE)}


def refusals(payload: Any) -> list[tuple[str, list[str] | None]]:
    """Codes and paths of a payload's errors."""
    return [(each["code"], each["path"]) for each in payload["errors"]]
