"""What was committed for a time whose mail was just being sent is sent by another mail, and by one alone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.worker import worker_services
from domain.notification import DeliveryBatch, NotificationChannel
from tests.support.graph_actions import create_task
from tests.support.mail_house import MailHouse, open_mail_house
from tests.support.worker_effects import FAST_TIMINGS
from workers.job import open_work
from workers.metrics import ScheduleMetrics
from workers.notification_jobs import enqueue
from workers.schedule_runner import run_if_due
from workers.schedules.late_deliveries import late_deliveries


@pytest.fixture
async def house(postgres_server: str, tmp_path: Path) -> AsyncIterator[MailHouse]:
    async with open_mail_house(postgres_server, tmp_path) as opened:
        yield opened


async def test_what_was_committed_while_its_mail_was_being_sent_is_sent_by_another_mail(house: MailHouse) -> None:
    app, team = house.app, house.team
    gate, reached = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        reached.set()
        await gate.wait()

    async def sweep() -> None:
        await app.sql.execute("DELETE FROM schedule_runs")
        await run_if_due(late_deliveries, services, FAST_TIMINGS, ScheduleMetrics())
        await app.sql.execute("UPDATE schedule_runs SET due_at = due_at - interval '1 hour'")
        await run_if_due(late_deliveries, services, FAST_TIMINGS, ScheduleMetrics())

    services = worker_services(house.database.resources, house.database.resources.database)
    house.server.pause = hold
    async with house.worker():
        await create_task(app, team, "First", assigneeId=team.mate.id)
        await house.wait_until_notified(team.mate, 1)
        due_at = await app.sql.fetchval("SELECT due_at FROM notification_deliveries WHERE channel = 'EMAIL'")
        await house.make_due()
        async with asyncio.timeout(60):
            await reached.wait()
        await create_task(app, team, "Second", assigneeId=team.mate.id)
        await house.wait_until_notified(team.mate, 2)
        # The second is for the same time, and its transaction finds the job of the first, which has read what is queued.
        batch = DeliveryBatch(user_id=team.mate.user.id, channel=NotificationChannel.EMAIL, due_at=due_at)
        await app.sql.execute("DELETE FROM jobs WHERE tries = 0")
        await app.sql.execute(
            "UPDATE notification_deliveries SET due_at = $1 WHERE state = 'QUEUED' AND channel = 'EMAIL'", due_at
        )
        async with open_work(services) as work:
            await enqueue(work.jobs, [batch])
        await app.sql.execute("UPDATE notification_deliveries SET due_at = due_at - interval '1 hour' WHERE state = 'SENT'")
        await sweep()
        assert [each[1] for each in await house.deliveries(team.mate)] == ["QUEUED", "QUEUED"], "a job is to send it"
        gate.set()
        await house.wait_until_jobs_are_done()
        assert [each[1] for each in await house.deliveries(team.mate)] == ["QUEUED", "SENT"]
        await sweep()
        assert await house.open_jobs() == 0, "it is not late enough"
        await app.sql.execute("UPDATE notification_deliveries SET due_at = due_at - interval '1 hour' WHERE state = 'QUEUED'")
        await sweep()
        await house.wait_until_jobs_are_done()
        await sweep()
    assert [each[1] for each in await house.deliveries(team.mate)] == ["SENT", "SENT"]
    first, second = house.server.received
    assert first.message["Message-ID"] != second.message["Message-ID"]
    assert "Second" in second.message["Subject"]
