"""A team whose browsers are subscribed to a push service on this machine, with a worker that pushes."""

from dataclasses import dataclass
from typing import Any

from app.worker import run_worker
from tests.support.app import App, Person
from tests.support.graph_actions import mutate
from tests.support.notifications import inbox
from tests.support.push_service import Browser, PushService
from tests.support.teams import SampleTeam
from tests.support.worker_effects import FAST_TIMINGS
from tests.support.workers import WorkerDatabase
from workers.consumers import CONSUMERS
from workers.jobs import JOBS
from workers.timings import WorkerTimings

DELIVERIES = "{ notifications(first: 100) { nodes { reason deliveries { channel state detail } } } }"
DEVICES = "{ viewer { account { pushDevices { id failingSince } } } }"


@dataclass(frozen=True)
class PushHouse:
    """A team in a database of the test's own, whose browsers are subscribed to a push service on this machine."""

    database: WorkerDatabase
    service: PushService
    team: SampleTeam

    @property
    def app(self) -> App:
        return self.database.app

    def worker(self, timings: WorkerTimings = FAST_TIMINGS) -> Any:
        """A worker with everything of the product but its schedules."""
        database = self.database
        given: dict[str, Any] = {"consumers": CONSUMERS, "jobs": JOBS, "schedules": (), "timings": timings}
        return run_worker(database.resources, database.settings, database.url, **given)

    async def register(self, person: Person) -> Browser:
        """A browser of a person."""
        browser = self.service.browser()
        payload = await mutate(self.app, person, "pushDeviceRegister", platform="WEB", token=browser.token)
        assert payload["errors"] == []
        return browser

    async def devices(self, person: Person) -> list[Any]:
        found: list[Any] = (await self.app.run(person, DEVICES))["viewer"]["account"]["pushDevices"]
        return found

    async def deliveries(self, person: Person, reason: str | None = None) -> list[tuple[str, str | None]]:
        """State and detail of pushes (for one reason), the newest first."""
        nodes = (await self.app.run(person, DELIVERIES))["notifications"]["nodes"]
        about = [each for node in nodes for each in node["deliveries"] if reason in (None, node["reason"])]
        return [(each["state"], each["detail"]) for each in about if each["channel"] == "PUSH"]

    async def make_due(self) -> None:
        """Let everything be due that was not tried yet, and no device be left alone."""
        await self.app.sql.execute("UPDATE push_devices SET retry_at = now() WHERE retry_at > now() + interval '1 s'")
        await self.app.sql.execute("UPDATE jobs SET run_at = now() WHERE tries = 0")

    async def wait_until_all_is_sent(self, person: Person, count: int) -> None:
        """Wait until a person has so many notifications, and nothing waits to be pushed."""

        async def done() -> bool:
            await self.make_due()
            there = len((await inbox(self.app, person, first=100))["nodes"])
            return there >= count and await self.jobs() == 0

        await self.database.wait_until(done)

    async def jobs(self) -> int:
        found: int = await self.app.sql.fetchval("SELECT count(*) FROM jobs WHERE kind LIKE '%push%'")
        return found
