"""Handles the events of a team as the worker does, and reads inboxes."""

from typing import Any

from domain.events import team_stream
from domain.notification import notify
from persistence.unit_of_work import unit_of_work
from tests.support.app import App, Person
from tests.support.teams import SampleTeam

NOTIFICATION_FIELDS = """
  id reason title body groupKey eventCount createdAt readAt archivedAt snoozedUntil
  actor { id } comment { id } subject { __typename id }
"""
INBOX = f"""
query ($first: Int, $after: String, $unreadOnly: Boolean, $reasons: [NotificationReason!], $archived: Boolean, $snoozed: Boolean) {{
  notifications(first: $first, after: $after, unreadOnly: $unreadOnly, reasons: $reasons, archived: $archived, snoozed: $snoozed) {{
    totalCount totalCountExact unreadCount pageInfo {{ hasNextPage endCursor }} nodes {{ {NOTIFICATION_FIELDS} }}
  }}
}}
"""


async def stream_head(app: App, team: SampleTeam) -> int:
    """The last position of the team's stream."""
    return await app.resources.services.log.head(team_stream(team.team.id))


async def handle_events(app: App, team: SampleTeam, after: int = 0, *, batch: int = 100) -> None:
    """Notify everybody whom the team's events after a position concern, in batches."""
    while entries := await app.resources.services.log.read(team_stream(team.team.id), after, batch):
        async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
            await notify(uow, entries)
        after = entries[-1].position


async def inbox(app: App, person: Person, **arguments: Any) -> Any:
    """A page of a person's notifications."""
    return (await app.run(person, INBOX, **arguments))["notifications"]


async def reasons(app: App, person: Person) -> list[str]:
    """Why a person was notified, the newest first."""
    return [each["reason"] for each in (await inbox(app, person, first=100))["nodes"]]
