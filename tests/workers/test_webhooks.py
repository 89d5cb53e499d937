"""Webhooks by a real worker and real receivers: in order, signed, tried again, and never one at the cost of another."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from domain.webhook.delivery import MAX_ATTEMPTS, RETRY_DELAYS_SECONDS, next_attempt
from tests.conftest import migrate_template
from tests.support.app import App
from tests.support.graph_actions import create_comment, create_project, create_task, mutate, mutate_ok
from tests.support.hostile_urls import hostile_urls
from tests.support.notifications import reasons
from tests.support.secret_key import SECRET_KEY
from tests.support.server_process import running_process
from tests.support.teams import SampleTeam, create_sample_team, uuid_of
from tests.support.webhooks import DELIVERIES, WEBHOOK_FIELDS, Receiver, open_receiver
from tests.support.worker_effects import FAST_TIMINGS, IMPATIENT_TIMINGS
from tests.support.workers import WorkerDatabase, open_worker_database
from workers.consumers.notifications import notifications
from workers.consumers.webhooks import webhooks
from workers.timings import WorkerTimings


@dataclass(frozen=True)
class House:
    """A team in a database of the test's own, and a receiver that its server may call."""

    database: WorkerDatabase
    receiver: Receiver
    team: SampleTeam

    @property
    def app(self) -> App:
        return self.database.app

    def worker(self, timings: WorkerTimings = FAST_TIMINGS) -> Any:
        return self.database.worker(webhooks, notifications, timings=timings)

    async def create(self, path: str = "/", events: tuple[str, ...] = ("*",), **fields: Any) -> Any:
        """The payload of a webhook to a path of the receiver."""
        given = {"teamId": self.team.team_id, "url": self.receiver.url(path), "events": list(events)} | fields
        payload = await mutate(self.app, self.team.owner, "webhookCreate", WEBHOOK_FIELDS, **given)
        assert payload["errors"] == [], payload["errors"]
        return payload

    async def seen(self, webhook_id: str) -> Any:
        """The webhook with its messages, the latest first."""
        return (await self.app.run(self.team.owner, DELIVERIES, id=webhook_id))["webhook"]

    async def wait_until_settled(self) -> None:
        """Wait until every event was read and nothing is to be sent now."""

        async def settled() -> bool:
            unread = await self.app.sql.fetchval(
                "SELECT count(*) FROM streams s LEFT JOIN consumer_cursors c ON c.stream = s.stream AND c.consumer = 'webhooks' "
                "WHERE s.stream LIKE 'team:%' AND coalesce(c.position, 0) < s.position"
            )
            due = await self.app.sql.fetchval(
                "SELECT count(*) FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id "
                "WHERE w.state = 'ACTIVE' AND d.state = 'PENDING' AND d.next_attempt_at <= clock_timestamp() "
                "AND NOT EXISTS (SELECT 1 FROM webhook_deliveries e WHERE e.webhook_id = d.webhook_id AND e.state = 'PENDING' "
                "AND e.order_key = d.order_key AND e.sequence < d.sequence)"
            )
            leased = await self.app.sql.fetchval("SELECT count(*) FROM webhook_queues WHERE leased_until IS NOT NULL")
            return (unread, due, leased) == (0, 0, 0)

        await self.database.wait_until(settled)

    async def let_time_pass(self) -> None:
        """Let what waits be due."""
        await self.app.sql.execute("UPDATE webhook_deliveries SET next_attempt_at = now() WHERE state = 'PENDING'")
        await self.app.sql.execute("UPDATE webhook_queues SET due_at = now()")


@pytest.fixture
async def house(postgres_server: str, tmp_path: Path) -> AsyncIterator[House]:
    from tests.support.backing_services import database_from_template

    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        open_receiver() as receiver,
        open_worker_database(
            url, tmp_path, outgoing_networks=[ip_network("127.0.0.1/32")], secret_key=SecretStr(SECRET_KEY)
        ) as database,
    ):
        yield House(database, receiver, await create_sample_team(database.app))


async def test_changes_arrive_signed_in_order_and_once(house: House) -> None:
    made = await house.create(events=("task.*",))
    async with house.worker():
        task = await create_task(house.app, house.team, "First")
        for number in range(5):
            await mutate_ok(house.app, house.team.owner, "taskUpdate", id=task["id"], title=f"Title {number}")
        await mutate_ok(house.app, house.team.owner, "labelCreate", teamId=house.team.team_id, name="Red", color="#ff0000")
        await house.wait_until_settled()
    received = house.receiver.received
    assert [each.message["type"] for each in received] == ["task.created"] + ["task.updated"] * 5
    titles = [field["after"] for each in received for field in each.message["data"]["changes"]["fields"]]
    assert titles == [f"Title {number}" for number in range(5)]
    assert len({each.id for each in received}) == 6
    assert all(each.is_signed_by(made["secret"]) for each in received)
    assert all(each.headers["content-type"] == "application/json" for each in received)
    log = (await house.seen(made["webhook"]["id"]))["deliveries"]["nodes"]
    assert [(each["state"], each["attempt"], each["statusCode"], each["responseBody"]) for each in log] == [
        ("DELIVERED", 1, 200, "ok")
    ] * 6
    assert sorted(each["body"] for each in log) == sorted(each.body.decode() for each in received)
    assert {each["change"]["entityId"] for each in log} == {task["id"]}


async def test_a_document_decides_what_is_sent_with_the_rights_of_the_bot(house: House) -> None:
    query = "subscription { changes { kind entity { ... on Task { title project { name } assignee { displayName } } } } }"
    made = await house.create(query=query, events=("task.created",))
    secret = await create_project(house.app, house.team, "Secret", private_to=[])
    async with house.worker():
        await create_task(house.app, house.team, "Hidden", by=house.team.owner, projectId=secret)
        await create_task(house.app, house.team, "Shown", assigneeId=house.team.member.id)
        await house.wait_until_settled()
        bot = made["webhook"]["bot"]
        await mutate_ok(house.app, house.team.owner, "projectSetMembers", id=secret, addUserIds=[bot["id"]])
        await create_task(house.app, house.team, "Let in", by=house.team.owner, projectId=secret)
        await house.wait_until_settled()
    assert bot["isBot"]
    assert [each.message["data"] for each in house.receiver.received] == [
        {
            "changes": {
                "kind": "CREATED",
                "entity": {"title": title, "project": {"name": project}, "assignee": assignee},
            }
        }
        for title, project, assignee in (("Shown", "Launch", {"displayName": "Member Tester"}), ("Let in", "Secret", None))
    ]
    assert len((await house.seen(made["webhook"]["id"]))["deliveries"]["nodes"]) == 2


async def test_a_failing_receiver_holds_back_its_object_only_and_is_tried_again_with_the_same_id(house: House) -> None:
    made = await house.create("/failing", events=("task.updated",))
    await house.create("/fine", events=("task.updated",))
    house.receiver.statuses["/failing"] = 500
    first, second = [await create_task(house.app, house.team, name) for name in ("One", "Two")]
    async with house.worker():
        for task in (first, second, first):
            await mutate_ok(
                house.app, house.team.owner, "taskUpdate", id=task["id"], priority="HIGH" if task is second else "LOW"
            )
            await mutate_ok(house.app, house.team.owner, "taskUpdate", id=task["id"], priority="NONE")
        await house.wait_until_settled()
        assert len(house.receiver.at("/fine")) == 6
        # The first of each object was tried; what follows it waits.
        tried = [each.message["data"]["changes"]["entityId"] for each in house.receiver.at("/failing")]
        assert sorted(tried) == sorted([first["id"], second["id"]])
        house.receiver.statuses["/failing"] = 200
        await house.let_time_pass()
        await house.wait_until_settled()
    received = house.receiver.at("/failing")
    assert {each.id for each in received[:2]} < {each.id for each in received[2:]}
    assert len(received) == 2 + 6
    for task in (first, second):
        own = [
            each.message["data"]["changes"] for each in received[2:] if each.message["data"]["changes"]["entityId"] == task["id"]
        ]
        expected = [each.message["data"]["changes"] for each in house.receiver.at("/fine")]
        assert own == [each for each in expected if each["entityId"] == task["id"]]
    states = [(each["state"], each["attempt"]) for each in (await house.seen(made["webhook"]["id"]))["deliveries"]["nodes"]]
    assert sorted(states) == [("DELIVERED", 1)] * 4 + [("DELIVERED", 2)] * 2


async def test_slow_receivers_delay_nobody_else(house: House) -> None:
    for number in range(4):
        await house.create(f"/slow{number}", events=("task.created",))
        house.receiver.pauses[f"/slow{number}"] = 4.0
    await house.create("/fast", events=("task.created",))
    async with house.worker(IMPATIENT_TIMINGS):
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(12):
            await create_task(house.app, house.team, f"{number}")
        await house.database.wait_until(lambda: has_received(house.receiver, "/fast", 12))
        assert loop.time() - began < 30  # one slow receiver after the other would take 12 * 4 s
        assert all(house.receiver.most_under_way[f"/slow{number}"] <= 4 for number in range(4))
        assert not any(len(house.receiver.at(f"/slow{number}")) == 12 for number in range(4))
        house.receiver.pauses.clear()


async def has_received(receiver: Receiver, path: str, count: int) -> bool:
    return len(receiver.at(path)) >= count


async def test_a_receiver_that_is_gone_and_one_that_failed_for_a_day_are_stopped_and_admins_are_notified(house: House) -> None:
    gone = await house.create("/gone", events=("task.created",))
    broken = await house.create("/broken", events=("task.created",))
    house.receiver.statuses |= {"/gone": 410, "/broken": 503}
    async with house.worker():
        await create_task(house.app, house.team, "One")
        await house.wait_until_settled()
        assert (await house.seen(gone["webhook"]["id"]))["state"] == "DISABLED"
        await house.app.sql.execute(
            "UPDATE webhook_deliveries SET attempt = $1 WHERE webhook_id = $2", MAX_ATTEMPTS - 1, uuid_of(broken["webhook"]["id"])
        )
        await house.app.sql.execute(
            "UPDATE webhooks SET failing_since = now() - interval '1 day' WHERE failing_since IS NOT NULL"
        )
        await house.let_time_pass()
        await house.wait_until_settled()
        stopped = await house.seen(broken["webhook"]["id"])
        assert stopped["state"] == "PAUSED"
        assert stopped["stateReason"].startswith("The receiver has failed since ")
        assert [each["state"] for each in stopped["deliveries"]["nodes"]] == ["FAILED"]
        await create_task(house.app, house.team, "Two")
        await house.wait_until_settled()
        assert len((await house.seen(broken["webhook"]["id"]))["deliveries"]["nodes"]) == 1
    for person, count in ((house.team.owner, 2), (house.team.admin, 2), (house.team.member, 0)):
        assert (await reasons(house.app, person)).count("WEBHOOK_PAUSED") == count
    titles = await house.app.run(house.team.owner, "{ notifications { nodes { title subject { id } } } }")
    assert {each["title"] for each in titles["notifications"]["nodes"]} == {
        "The webhook to 127.0.0.1 sends nothing any more: its receiver failed"
    }


async def test_pinging_redelivering_rotating_pausing_and_deleting(house: House) -> None:
    made = await house.create(events=("comment.created",))
    webhook_id, owner = made["webhook"]["id"], house.team.owner
    async with house.worker():
        assert (await mutate(house.app, owner, "webhookPing", "errors { code }", id=webhook_id))["errors"] == []
        await house.wait_until_settled()
        rotated = await mutate(house.app, owner, "webhookRotateSecret", WEBHOOK_FIELDS, id=webhook_id)
        task = await create_task(house.app, house.team)
        await create_comment(house.app, owner, task, "Said.")
        await house.wait_until_settled()
        (ping, said) = house.receiver.received
        assert (ping.message["type"], ping.message["data"], ping.is_signed_by(made["secret"])) == ("ping", {}, True)
        assert [said.is_signed_by(each) for each in (made["secret"], rotated["secret"])] == [True, True]
        await house.app.sql.execute("UPDATE webhooks SET previous_secret_expires_at = now()")
        (delivery, _) = (await house.seen(webhook_id))["deliveries"]["nodes"]
        again = await mutate(house.app, owner, "webhookRedeliver", "errors { code }", deliveryId=delivery["id"])
        assert again["errors"] == []
        await house.wait_until_settled()
        repeated = house.receiver.received[2]
        assert (repeated.id, repeated.body) == (said.id, said.body)
        assert [repeated.is_signed_by(each) for each in (made["secret"], rotated["secret"])] == [False, True]

        paused = await mutate(house.app, owner, "webhookUpdate", WEBHOOK_FIELDS, id=webhook_id, state="PAUSED")
        assert paused["webhook"]["state"] == "PAUSED"
        await create_comment(house.app, owner, task, "Not sent.")
        await house.wait_until_settled()
        refused = await mutate(house.app, owner, "webhookPing", "errors { code }", id=webhook_id)
        assert [each["code"] for each in refused["errors"]] == ["INVALID"]
        await mutate(house.app, owner, "webhookUpdate", WEBHOOK_FIELDS, id=webhook_id, state="ACTIVE")
        await create_comment(house.app, owner, task, "Sent again.")
        await house.wait_until_settled()
        assert len(house.receiver.received) == 4
        deleted = await mutate(house.app, owner, "webhookDelete", "deletedId", id=webhook_id)
        assert deleted["deletedId"] == webhook_id
        await create_comment(house.app, owner, task, "To nobody.")
        await house.wait_until_settled()
    assert len(house.receiver.received) == 4
    assert await house.app.run(owner, "query ($id: ID!) { webhook(id: $id) { id } }", id=webhook_id) == {"webhook": None}
    assert await house.app.sql.fetchval("SELECT count(*) FROM webhook_deliveries") == 0


async def test_what_a_sender_that_was_killed_was_sending_is_sent_again_under_the_same_id(house: House, tmp_path: Path) -> None:
    await house.create(events=("task.created",))
    house.receiver.pauses["/"] = 60.0
    options = {"database_url": house.database.url, "outgoing_networks": "127.0.0.1/32", "log_level": "info"}
    with running_process("worker", folder=tmp_path, **options) as sender:

        async def is_up() -> bool:
            return "worker is up" in sender.output

        await house.database.wait_until(is_up, timeout_seconds=60)
        await create_task(house.app, house.team, "Sent twice")
        await house.database.wait_until(lambda: has_received(house.receiver, "/", 1))
        sender.kill()
    house.receiver.pauses.clear()
    assert await house.app.sql.fetchval("SELECT count(*) FROM webhook_queues WHERE leased_until > now()") == 1
    await house.app.sql.execute("UPDATE webhook_queues SET leased_until = now()")  # some 45 seconds later
    async with house.worker():
        await house.database.wait_until(lambda: has_received(house.receiver, "/", 2))
        await house.wait_until_settled()
    assert len({each.id for each in house.receiver.received}) == 1
    assert len(house.receiver.received) == 2


async def test_five_hundred_urls_that_came_to_be_stored_are_judged_again_before_anything_is_sent(house: House) -> None:
    await house.create(events=("task.created",))
    async with open_receiver("127.0.0.2") as canary:  # the neighbour of the address that is admitted
        urls = [url.replace("127.0.0.1", "127.0.0.2") for url in hostile_urls(canary.port) if "\0" not in url]
        assert len(urls) >= 490
        await house.app.sql.execute(
            "INSERT INTO webhooks SELECT (jsonb_populate_record(w, jsonb_build_object('id', gen_random_uuid(), 'url', hostile))).* "
            "FROM webhooks w, unnest($1::text[]) AS hostile",
            urls,
        )
        await house.app.sql.execute(
            "INSERT INTO webhook_queues (webhook_id) SELECT id FROM webhooks ON CONFLICT (webhook_id) DO NOTHING"
        )
        async with house.worker():
            await create_task(house.app, house.team, "For all of them")
            await house.wait_until_settled()
        assert canary.connections == 0
    log = await house.app.sql.fetch(
        "SELECT status_code, d.state, count(*) FROM webhook_deliveries d JOIN webhooks w ON w.id = webhook_id "
        "WHERE url = ANY($1) AND attempt > 0 GROUP BY 1, 2",
        urls,
    )
    assert [tuple(row) for row in log] == [(None, "PENDING", len(urls))]


def test_attempts_are_made_over_a_day_and_a_receiver_may_ask_for_a_pause() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    waited = timedelta()
    for attempts, delay in enumerate(RETRY_DELAYS_SECONDS, 1):
        due = next_attempt(attempts, now)
        assert due is not None
        assert 0.9 * delay <= (due - now).total_seconds() <= 1.1 * delay
        waited += due - now
    assert timedelta(hours=20) < waited < timedelta(hours=26)
    assert next_attempt(MAX_ATTEMPTS, now) is None
    assert next_attempt(1, now, 600.0) == now + timedelta(seconds=600)
    assert next_attempt(1, now, 1e9) == now + timedelta(hours=1)
