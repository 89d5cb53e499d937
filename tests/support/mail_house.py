"""A team whose mails go to a real server, with workers that have everything of the product."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.worker import run_worker
from tests.conftest import migrate_template
from tests.support.app import App, Person
from tests.support.mail_server import MailServer, ReceivedMail, mail_server
from tests.support.notifications import inbox
from tests.support.teams import SampleTeam, create_sample_team
from tests.support.worker_effects import FAST_TIMINGS
from tests.support.workers import WorkerDatabase, open_worker_database
from workers.consumers import CONSUMERS
from workers.jobs import JOBS

DELIVERIES = "{ notifications(first: 100) { nodes { reason title readAt deliveries { channel state detail } } } }"


@dataclass(frozen=True)
class MailHouse:
    """A team in a database of the test's own, whose mails go to a real server."""

    database: WorkerDatabase
    server: MailServer
    team: SampleTeam

    @property
    def app(self) -> App:
        return self.database.app

    async def make_due(self) -> None:
        """Let everything be due that was not tried yet."""
        await self.app.sql.execute("UPDATE jobs SET run_at = now() WHERE tries = 0")

    async def wait_for_mails(self, count: int) -> list[ReceivedMail]:
        """The mails that have arrived, once they are so many."""

        async def arrived() -> bool:
            await self.make_due()
            return len(self.server.received) >= count and await self.open_jobs() == 0

        await self.database.wait_until(arrived)
        assert len(self.server.received) == count
        return self.server.received

    async def open_jobs(self) -> int:
        found: int = await self.app.sql.fetchval("SELECT count(*) FROM jobs")
        return found

    async def wait_until_notified(self, person: Person, count: int) -> None:
        async def there() -> bool:
            return len((await inbox(self.app, person, first=100))["nodes"]) >= count

        await self.database.wait_until(there)

    async def deliveries(self, person: Person, channel: str = "EMAIL") -> list[tuple[str, str, str | None]]:
        """Reason, state and detail on a channel, the newest first."""
        nodes = (await self.app.run(person, DELIVERIES))["notifications"]["nodes"]
        found = [(node["reason"], each) for node in nodes for each in node["deliveries"]]
        return [(reason, each["state"], each["detail"]) for reason, each in found if each["channel"] == channel]

    def worker(self) -> Any:
        """A worker with everything of the product but its schedules."""
        options: dict[str, Any] = {"consumers": CONSUMERS, "jobs": JOBS, "schedules": (), "timings": FAST_TIMINGS}
        return run_worker(self.database.resources, self.database.settings, self.database.url, **options)

    async def wait_until_jobs_are_done(self) -> None:
        """Wait until no job is left."""

        async def is_done() -> bool:
            return await self.open_jobs() == 0

        await self.database.wait_until(is_done)


@asynccontextmanager
async def open_mail_house(postgres_server: str, folder: Path) -> AsyncIterator[MailHouse]:
    """A house in a database of a test's own."""
    from tests.support.backing_services import database_from_template

    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        mail_server() as server,
        open_worker_database(
            url,
            folder,
            mail_url=f"smtp://127.0.0.1:{server.port}?tls=none",
            mail_from="PantheraHive <hive@example.com>",
            app_url="https://app.example.com/",
        ) as database,
    ):
        team = await create_sample_team(database.app)
        await database.app.sql.execute("UPDATE users SET email_verified_at = now()")
        yield MailHouse(database, server, team)
