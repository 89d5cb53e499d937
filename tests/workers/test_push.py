"""Pushes by real workers to a push service on this machine: once, when they are due, to whom may know, and none for another's fault."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

import domain.push_device
from domain import session as sessions
from persistence.unit_of_work import unit_of_work
from resolvers import ids
from tests.conftest import migrate_template
from tests.support.crashing_push_worker import POINTS
from tests.support.graph_actions import create_comment, create_project, create_task, mutate, mutate_ok
from tests.support.notifications import inbox
from tests.support.push_house import PushHouse
from tests.support.push_service import Browser, PushService, push_service
from tests.support.teams import create_sample_team, with_session
from tests.support.worker_effects import IMPATIENT_TIMINGS
from tests.support.worker_process import WorkerProcess
from tests.support.workers import WorkerDatabase, open_worker_database

SENT = ("SENT", None)


@pytest.fixture(scope="module")
async def opened(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[WorkerDatabase, PushService]]:
    from tests.support.backing_services import database_from_template

    folder = tmp_path_factory.mktemp("push")
    networks = [ip_network("127.0.0.1")]
    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        push_service() as service,
        open_worker_database(url, folder, outgoing_networks=networks, app_url="https://app.example.com") as database,
    ):
        yield database, service


@pytest.fixture
async def house(opened: tuple[WorkerDatabase, PushService], monkeypatch: pytest.MonkeyPatch) -> PushHouse:
    """A team of the test's own; nothing of other tests waits or has arrived."""
    monkeypatch.setattr(domain.push_device, "FIRST_RETRY", timedelta(seconds=0.02))
    database, service = opened
    await database.app.sql.execute("DELETE FROM jobs")
    service.received.clear()
    return PushHouse(database, service, await create_sample_team(database.app))


async def test_a_commit_becomes_one_push_to_each_device_and_carries_ids_only(house: PushHouse) -> None:
    app, team = house.app, house.team
    browsers = [await house.register(team.mate), await house.register(team.mate)]
    async with house.worker():
        task = await create_task(app, team, "Secret plan", assigneeId=team.mate.id)
        await house.wait_until_all_is_sent(team.mate, 1)
    (notification,) = (await inbox(app, team.mate))["nodes"]
    expected = {"notificationIds": [notification["id"]], "count": 1, "groupKey": notification["groupKey"]}
    for browser in browsers:
        assert house.service.payloads_of(browser) == [expected]
    assert await house.deliveries(team.mate) == [SENT]
    assert len(house.service.received) == 2
    assert task["id"] not in json.dumps(expected)


async def test_words_are_pushed_where_the_person_allows_it(house: PushHouse) -> None:
    app, team = house.app, house.team
    browser = await house.register(team.mate)
    await mutate_ok(app, team.mate, "notificationPreferencesUpdate", pushContent=True)
    async with house.worker():
        task = await create_task(app, team, "Ship it", assigneeId=team.mate.id)
        await house.wait_until_all_is_sent(team.mate, 1)
    (payload,) = house.service.payloads_of(browser)
    assert payload["title"] == f"Member Tester assigned {task['key']} Ship it to you"
    assert payload["body"] == ""
    assert payload["url"].startswith("https://app.example.com/task/")


async def test_who_has_no_device_or_wants_no_pushes_is_sent_none_and_told_why(house: PushHouse) -> None:
    app, team = house.app, house.team
    browser = await house.register(team.mate)
    await mutate_ok(app, team.mate, "notificationPreferencesUpdate", set=[{"reason": "ASSIGNED", "channels": ["IN_APP"]}])
    async with house.worker():
        task = await create_task(app, team, assigneeId=team.mate.id)
        await create_comment(app, team.mate, task)
        await house.wait_until_all_is_sent(team.mate, 1)
        await house.wait_until_all_is_sent(team.member, 1)
    assert await house.deliveries(team.mate) == [("SUPPRESSED", "Off in the preferences.")]
    assert await house.deliveries(team.member) == [("SUPPRESSED", "No device is registered.")]
    assert house.service.pushes_to(browser) == []


async def test_quiet_hours_hold_pushes_back_and_a_digest_is_one_push(house: PushHouse) -> None:
    app, team = house.app, house.team
    browser = await house.register(team.member)
    hours = [{"from": "00:00", "to": "23:59", "days": [1, 2, 3, 4, 5, 6, 7]}, {"from": "23:59", "to": "00:00", "days": [1]}]
    await mutate_ok(app, team.member, "notificationPreferencesUpdate", quietHours=hours[0])
    async with house.worker():
        task = await create_task(app, team)
        await create_comment(app, team.admin, task, "First")

        async def is_held() -> bool:
            return await house.deliveries(team.member) == [("QUEUED", "Held back by quiet hours.")]

        await house.database.wait_until(is_held)
        assert house.service.received == []
        await mutate_ok(app, team.member, "notificationPreferencesUpdate", quietHours=None, digest="DAILY")
        for number in range(3):
            await create_comment(app, team.admin, task, f"Comment {number}")

        async def waits() -> bool:
            return (await house.deliveries(team.member))[:3] == [("QUEUED", "Waits for the digest.")] * 3

        await house.database.wait_until(waits)
        assert house.service.received == []
        await house.wait_until_all_is_sent(team.member, 4)
    assert sorted(each["count"] for each in house.service.payloads_of(browser)) == [1, 3]
    assert await house.deliveries(team.member) == [SENT] * 4


async def test_a_bulk_change_is_one_push(house: PushHouse) -> None:
    app, team = house.app, house.team
    browser = await house.register(team.mate)
    made = [await create_task(app, team, f"Task {number}") for number in range(5)]
    async with house.worker():
        await mutate(app, team.member, "tasksUpdate", ids=[each["id"] for each in made], set={"assigneeId": team.mate.id})
        await house.wait_until_all_is_sent(team.mate, 1)
    assert len(house.service.pushes_to(browser)) == 1
    assert len((await inbox(app, team.mate))["nodes"]) == 1


async def test_what_changed_before_a_push_is_sent_is_respected(house: PushHouse) -> None:
    app, team = house.app, house.team
    people = {"guest": team.guest, "mate": team.mate, "owner": team.owner, "admin": team.admin}
    people["admin"] = await with_session(app, team.admin)
    browsers = {name: await house.register(person) for name, person in people.items()}
    for person in people.values():
        await mutate_ok(app, person, "notificationPreferencesUpdate", digest="DAILY")
    async with house.worker():
        secret = await create_project(app, team, "Secret", private_to=[team.member, team.mate, team.guest, team.admin])
        task = await create_task(app, team, "Secret plan", projectId=secret)
        for person in people.values():
            await mutate(app, person, "watchSet", subjectId=task["id"], watching=True)
        await create_comment(app, team.member, task, "Secret words")

        async def are_notified() -> bool:
            found = [await house.deliveries(person, "COMMENTED") for person in people.values()]
            return found == [[("QUEUED", "Waits for the digest.")]] * len(people)

        await house.database.wait_until(are_notified)
        # One loses access, one reads it, one turns it off, one signs out on the device.
        await mutate_ok(app, team.owner, "projectSetMembers", id=secret, removeUserIds=[team.guest.id])
        await mutate(app, team.mate, "notificationsMark", all=True, **{"as": "READ"})
        await mutate_ok(app, team.owner, "notificationPreferencesUpdate", set=[{"reason": "COMMENTED", "channels": ["IN_APP"]}])
        async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
            await sessions.revoke_all(uow, people["admin"].user.id, actor_id=people["admin"].user.id)
        await house.wait_until_all_is_sent(team.owner, 1)
    pushed = {
        each
        for browser in browsers.values()
        for payload in house.service.payloads_of(browser)
        for each in payload["notificationIds"]
    }
    about = [
        ids.encode("Notification", row[0])
        for row in await app.sql.fetch("SELECT id FROM notifications WHERE reason = 'COMMENTED'")
    ]
    assert pushed.isdisjoint(about)
    details = """
        SELECT u.first_name, d.detail FROM notification_deliveries d JOIN users u ON u.id = d.user_id
        WHERE d.channel = 'PUSH' AND d.state = 'SUPPRESSED' AND d.user_id = ANY($1)
    """
    rows = await app.sql.fetch(details, [each.user.id for each in people.values()])
    assert {(row[0], row[1]) for row in rows} >= {
        ("Guest", "The person may not see it any more."),
        ("Mate", "It was read before."),
        ("Owner", "Off in the preferences."),
        ("Admin", "No device is registered."),
    }
    assert await house.devices(team.admin) == []


@pytest.mark.parametrize("answer", ["410 Gone", "404 Not Found"])
async def test_a_device_that_is_gone_is_removed_and_others_are_sent_all_the_same(house: PushHouse, answer: str) -> None:
    app, team = house.app, house.team
    gone, left = await house.register(team.mate), await house.register(team.mate)
    house.service.answers[path_of(gone)] = [answer]
    async with house.worker():
        await create_task(app, team, assigneeId=team.mate.id)
        await house.wait_until_all_is_sent(team.mate, 1)
        assert len(await house.devices(team.mate)) == 1
        assert await house.deliveries(team.mate) == [SENT]
        await create_task(app, team, assigneeId=team.mate.id)
        await house.wait_until_all_is_sent(team.mate, 2)
    assert (len(house.service.pushes_to(gone)), len(house.service.pushes_to(left))) == (1, 2)


async def test_the_only_device_that_is_gone_fails_the_delivery(house: PushHouse) -> None:
    app, team = house.app, house.team
    browser = await house.register(team.mate)
    house.service.answers[path_of(browser)] = ["410 Gone"]
    async with house.worker():
        await create_task(app, team, assigneeId=team.mate.id)
        await house.wait_until_all_is_sent(team.mate, 1)
        assert await house.deliveries(team.mate) == [("FAILED", "The push service answered 410.")]
        await create_task(app, team, assigneeId=team.mate.id)
        await house.wait_until_all_is_sent(team.mate, 2)
    assert (await house.deliveries(team.mate))[0] == ("SUPPRESSED", "No device is registered.")


async def test_a_service_that_is_busy_is_sent_the_push_later_once(house: PushHouse) -> None:
    app, team = house.app, house.team
    browser = await house.register(team.mate)
    house.service.answers[path_of(browser)] = ["429 Busy\r\nRetry-After: 60", "503 Away", "500 Broken"]
    async with house.worker():
        await create_task(app, team, assigneeId=team.mate.id)

        async def is_failing() -> bool:
            await app.sql.execute("UPDATE jobs SET run_at = now() WHERE kind = 'notification push' AND tries = 0")
            return await app.sql.fetchval(pause, team.mate.user.id) is not None

        pause = "SELECT retry_at - failing_since FROM push_devices WHERE user_id = $1"
        await house.database.wait_until(is_failing)
        assert await app.sql.fetchval(pause, team.mate.user.id) == timedelta(seconds=60)
        assert await house.deliveries(team.mate) == [("QUEUED", None)]
        await house.wait_until_all_is_sent(team.mate, 1)
    pushes = house.service.pushes_to(browser)
    assert len(pushes) == 4
    assert len({each.headers["topic"] for each in pushes}) == 1  # the same push, which replaces itself
    assert await house.deliveries(team.mate) == [SENT]
    assert (await house.devices(team.mate))[0]["failingSince"] is None


async def test_a_device_that_fails_for_a_week_is_removed(house: PushHouse) -> None:
    app, team = house.app, house.team
    browser = await house.register(team.mate)
    house.service.answers[path_of(browser)] = ["503 Away"] * 100
    await app.sql.execute(
        "UPDATE push_devices SET failing_since = now() - interval '8 days', retry_at = now() WHERE user_id = $1",
        team.mate.user.id,
    )
    async with house.worker():
        await create_task(app, team, assigneeId=team.mate.id)
        await house.wait_until_all_is_sent(team.mate, 1)
    assert await house.devices(team.mate) == []
    assert await house.deliveries(team.mate) == [("FAILED", "The push service answered 503.")]
    assert len(house.service.received) == 1


async def test_a_push_that_waited_for_a_day_is_given_up(house: PushHouse) -> None:
    app, team = house.app, house.team
    browser = await house.register(team.mate)
    house.service.answers[path_of(browser)] = ["503 Away"] * 100
    async with house.worker():
        await create_task(app, team, assigneeId=team.mate.id)

        async def waits() -> bool:
            await house.make_due()
            return bool(await app.sql.fetchval("SELECT count(*) FROM jobs WHERE kind = 'push again'"))

        await house.database.wait_until(waits)
        await app.sql.execute("UPDATE jobs SET created_at = now() - interval '25 hours' WHERE kind = 'push again'")
        await house.wait_until_all_is_sent(team.mate, 1)
    assert await house.deliveries(team.mate) == [("FAILED", "The push service answered 503.")]
    assert len(await house.devices(team.mate)) == 1
    assert await house.database.dead_letters() == []


async def test_services_that_hang_hold_up_no_other_device(house: PushHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["workers.jobs.push"], "_PATIENCE_SECONDS", 0.2)
    app, team = house.app, house.team
    hanging = [await house.register(team.mate) for _ in range(20)]  # more than a worker sends at once
    house.service.hanging |= {path_of(each) for each in hanging}
    async with house.worker(IMPATIENT_TIMINGS):
        await create_task(app, team, assigneeId=team.mate.id)

        async def all_fail() -> bool:
            await app.sql.execute("UPDATE jobs SET run_at = now() WHERE kind = 'notification push' AND tries = 0")
            working = "SELECT count(*) FROM push_devices WHERE user_id = $1 AND failing_since IS NULL"
            return bool(await app.sql.fetchval(working, team.mate.user.id) == 0)

        await house.database.wait_until(all_fail)
        monkeypatch.setattr(sys.modules["workers.jobs.push"], "_PATIENCE_SECONDS", 3600.0)
        monkeypatch.setattr(sys.modules["push.web_push"], "TIMEOUT_SECONDS", 3600.0)
        works = await house.register(team.guest)
        # Everything that hangs is tried again, for as long as the pusher waits; the other is sent meanwhile.
        await create_task(app, team, assigneeId=team.mate.id)
        await app.sql.execute("UPDATE push_devices SET retry_at = now() - interval '1 hour' WHERE failing_since IS NOT NULL")
        await app.sql.execute("UPDATE jobs SET run_at = now() WHERE tries = 0")
        task = await create_task(app, team, projectId=team.project_id)
        await mutate(app, team.guest, "watchSet", subjectId=task["id"], watching=True)
        await create_comment(app, team.member, task)

        async def is_sent() -> bool:
            await app.sql.execute("UPDATE jobs SET run_at = now() WHERE kind = 'notification push' AND tries = 0")
            return await house.deliveries(team.guest, "COMMENTED") == [SENT]

        await house.database.wait_until(is_sent)
    assert len(house.service.pushes_to(works)) == 1


async def test_an_event_that_is_handled_again_pushes_nothing_again(house: PushHouse) -> None:
    app, team = house.app, house.team
    browser = await house.register(team.mate)
    async with house.worker():
        await create_task(app, team, assigneeId=team.mate.id)
        await house.wait_until_all_is_sent(team.mate, 1)
    await app.sql.execute("UPDATE consumer_cursors SET position = 0 WHERE stream = $1", f"team:{team.team.id}")
    async with house.worker():
        await create_task(app, team, assigneeId=team.mate.id)
        await house.wait_until_all_is_sent(team.mate, 2)
    assert len(house.service.pushes_to(browser)) == 2
    shown = [each for payload in house.service.payloads_of(browser) for each in payload["notificationIds"]]
    assert len(shown) == len(set(shown)) == 2
    assert all(ids.parse(each) is not None for each in shown)


@pytest.mark.slow
@pytest.mark.parametrize("points", [("push: sent",), pytest.param(POINTS, marks=pytest.mark.long)], ids=len)
async def test_a_worker_that_is_killed_at_any_point_pushes_each_event_once_to_each_person(
    house: PushHouse, tmp_path: Path, points: tuple[str, ...]
) -> None:
    app, team = house.app, house.team
    browser = await house.register(team.mate)

    async def is_pushed() -> bool:
        await house.make_due()
        sent = "SELECT count(*) FROM notification_deliveries WHERE channel = 'PUSH' AND state = 'SENT' AND user_id = $1"
        return bool(await app.sql.fetchval(sent, team.mate.user.id) == len(points)) and await house.jobs() == 0

    async with house.worker():
        pass  # once open, its consumers are known, and read all that follows
    for point in points:
        worker = WorkerProcess(house.database.url, tmp_path, point, module="crashing_push_worker")
        try:
            await create_task(app, team, point, assigneeId=team.mate.id)
            async with asyncio.timeout(90):
                while worker.exit_code is None:
                    await app.sql.execute("UPDATE jobs SET run_at = now() WHERE tries = 0")
                    await asyncio.sleep(0.02)
            assert worker.exit_code == -signal.SIGKILL, (tmp_path / "output.txt").read_text()
        finally:
            worker.kill()
    await app.sql.execute("UPDATE jobs SET run_at = now()")  # as if all leases had ended
    async with house.worker():
        await house.database.wait_until(is_pushed, timeout_seconds=60.0)
    topics: dict[str, set[str]] = {}
    pushes = house.service.pushes_to(browser)
    for payload, push in zip(house.service.payloads_of(browser), pushes, strict=True):
        for each in payload["notificationIds"]:
            topics.setdefault(each, set()).add(push.headers["topic"])
    assert len(topics) == len(points)
    # Outside of Postgres it happens again where the worker died between it and its commit: as the same push, which replaces itself.
    assert {len(each) for each in topics.values()} == {1}
    assert len(pushes) <= len(set.union(*topics.values())) + 2
    assert len((await inbox(app, team.mate, first=100))["nodes"]) == len(points)


def path_of(browser: Browser) -> str:
    """The path of a browser's address."""
    return "/push/" + browser.endpoint.rpartition("/")[2]
