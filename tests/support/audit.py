"""Audit logs for tests: recording what has happened, as a worker does, and looking at it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.audit import record
from domain.audit.events import audit_stream
from domain.events import team_stream, user_stream
from persistence.unit_of_work import unit_of_work
from resolvers import ids
from tests.support.app import App, Person
from tests.support.teams import SampleTeam

AUDIT_FIELDS = "number at actor { id } actorLabel action subjectId ipAddress userAgent detail hash"
AUDIT_LOG = f"""query ($id: ID!, $filter: AuditFilter, $first: Int, $after: String) {{
  team(id: $id) {{ auditLog(filter: $filter, first: $first, after: $after) {{
    totalCount brokenAt pageInfo {{ hasNextPage endCursor }} nodes {{ id {AUDIT_FIELDS} }}
  }} }}
}}"""


async def record_streams(app: App, streams: Sequence[str], *, batch: int = 100) -> None:
    """Record all events of streams that are not recorded yet, in batches."""
    for stream in streams:
        after = 0
        while entries := await app.resources.services.log.read(stream, after, batch):
            async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
                await record(uow, entries, app.resources.audit_seal)
            after = entries[-1].position


async def record_team(app: App, team: SampleTeam, *people: Person, batch: int = 100) -> None:
    """Record what happened in a team and, after that, what concerns people."""
    own = [stream(each.user.id) for each in people for stream in (user_stream, audit_stream)]
    await record_streams(app, [team_stream(team.team.id), *own], batch=batch)


async def audit_log(app: App, person: Person, team_id: str, **arguments: Any) -> Any:
    """A page of the log as somebody sees it."""
    return (await app.run(person, AUDIT_LOG, id=team_id, **arguments))["team"]["auditLog"]


async def actions(app: App, person: Person, team_id: str) -> list[str]:
    """What was done, the first first."""
    page = await audit_log(app, person, team_id, first=100)
    assert not page["pageInfo"]["hasNextPage"]
    return [each["action"] for each in reversed(page["nodes"])]


async def stored_log(app: App, team_id: UUID) -> list[Any]:
    """The rows of a log."""
    return list(await app.sql.fetch("SELECT * FROM audit_entries WHERE team_id = $1 ORDER BY number", team_id))


async def create_audit_entry(app: App, team: SampleTeam) -> str:
    """An entry of the team's log, which holds what has happened so far."""
    await record_team(app, team)
    return ids.encode("AuditEntry", (await stored_log(app, team.team.id))[0]["id"])
