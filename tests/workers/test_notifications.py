"""Notifications by real workers: in the inbox once, by mail when they are due, and nothing lost while the mail server is away."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.worker import worker_services
from tests.support.app import App, Person
from tests.support.graph_actions import create_comment, create_project, create_task, mutate, mutate_ok
from tests.support.mail_house import MailHouse, open_mail_house
from tests.support.notifications import inbox
from tests.support.subscriptions import open_subscription
from tests.support.worker_effects import FAST_TIMINGS
from workers.metrics import ScheduleMetrics
from workers.schedule_runner import run_if_due
from workers.schedules.due_dates import due_dates


@pytest.fixture
async def house(postgres_server: str, tmp_path: Path) -> AsyncIterator[MailHouse]:
    async with open_mail_house(postgres_server, tmp_path) as opened:
        yield opened


async def test_a_commit_becomes_a_live_notification_and_a_mail(house: MailHouse) -> None:
    app, team = house.app, house.team
    async with (
        house.worker(),
        open_subscription(app, team.mate, "subscription { notificationReceived { id title } }", own_stream_only=True) as live,
    ):
        task = await create_task(app, team, "Ship it", assigneeId=team.mate.id)
        title = f"Member Tester assigned {task['key']} Ship it to you"
        assert (await live.next_change())["title"] == title
        assert await house.deliveries(team.mate) == [("ASSIGNED", "QUEUED", None)]
        (mail,) = await house.wait_for_mails(1)
    assert mail.recipients == [team.mate.user.email_address]
    message = mail.message
    assert (message["Subject"], message["References"] is not None) == (title, True)
    plain = message.get_body(("plain",))
    assert plain is not None
    assert "https://app.example.com/task/" in plain.get_content()
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert await house.deliveries(team.mate) == [("ASSIGNED", "SENT", None)]
    assert await house.deliveries(team.mate, "IN_APP") == [("ASSIGNED", "SENT", None)]


async def test_a_digest_is_one_mail(house: MailHouse) -> None:
    app, team = house.app, house.team
    await mutate_ok(app, team.member, "notificationPreferencesUpdate", digest="DAILY")
    async with house.worker():
        task = await create_task(app, team)
        for number in range(3):
            await create_comment(app, team.admin, task, f"Comment {number} <b>")
        await house.wait_until_notified(team.member, 3)
        (mail,) = await house.wait_for_mails(1)
    assert mail.message["Subject"] == "3 notifications of the last day"
    html = mail.message.get_body(("html",))
    assert html is not None
    assert html.get_content().count("&lt;b&gt;") == 3
    assert [each[1] for each in await house.deliveries(team.member)] == ["SENT"] * 3


async def test_a_mail_server_that_is_away_delays_mails_and_loses_none(house: MailHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["workers.jobs.notification_mail"], "_FIRST_RETRY_SECONDS", 0.01)
    app, team = house.app, house.team
    house.server.data_answers = ["451 4.3.0 Try again", "452 4.3.1 Full", "421 4.3.2 Shutting down"]
    async with house.worker():
        task = await create_task(app, team, assigneeId=team.mate.id)
        (mail,) = await house.wait_for_mails(1)
        assert mail.recipients == [team.mate.user.email_address]
        assert await house.deliveries(team.mate) == [("ASSIGNED", "SENT", None)]
        await create_comment(app, team.admin, task)
        await house.wait_until_notified(team.mate, 2)


async def test_an_address_that_is_refused_switches_mails_off_and_others_are_sent(house: MailHouse) -> None:
    app, team = house.app, house.team
    gone = team.mate.user.email_address
    house.server.refused_recipients[gone] = "550 5.1.1 No such user"
    async with house.worker():
        task = await create_task(app, team, assigneeId=team.mate.id)
        await create_comment(app, team.admin, task)
        await house.wait_until_notified(team.mate, 2)
        await house.wait_for_mails(1)
        assert house.server.received[0].recipients == [team.member.user.email_address]
        shown = "{ viewer { account { emailOffReason } } }"
        reason = "The address was refused: 550 5.1.1 No such user"
        assert (await app.run(team.mate, shown))["viewer"]["account"]["emailOffReason"] == reason
        states = await house.deliveries(team.mate)
        assert {each[1] for each in states} <= {"FAILED", "SUPPRESSED"}
        await create_comment(app, team.admin, task, "Again")
        await house.wait_until_notified(team.mate, 3)
        assert (await house.deliveries(team.mate))[0] == ("COMMENTED", "SUPPRESSED", reason)
        await mutate_ok(app, team.mate, "notificationPreferencesUpdate", digest="OFF")
        assert (await app.run(team.mate, shown))["viewer"]["account"]["emailOffReason"] is None


async def test_what_changed_before_a_mail_is_sent_is_respected(house: MailHouse) -> None:
    app, team = house.app, house.team
    for person in (team.owner, team.mate, team.guest):  # so that nothing is due before everything has changed
        await mutate_ok(app, person, "notificationPreferencesUpdate", digest="DAILY")
    async with house.worker():
        secret = await create_project(app, team, "Secret", private_to=[team.member, team.mate, team.guest])
        task = await create_task(app, team, "Secret plan", projectId=secret, assigneeId=team.mate.id)
        for person in (team.guest, team.owner):
            await mutate(app, person, "watchSet", subjectId=task["id"], watching=True)
        await create_comment(app, team.member, task, "Secret words")
        await house.wait_until_notified(team.mate, 3)
        await house.wait_until_notified(team.guest, 2)
        # One loses access, one reads it, one turns it off.
        await mutate_ok(app, team.owner, "projectSetMembers", id=secret, removeUserIds=[team.guest.id])
        await mutate(app, team.mate, "notificationsMark", all=True, **{"as": "READ"})
        await mutate_ok(app, team.owner, "notificationPreferencesUpdate", set=[{"reason": "COMMENTED", "channels": ["IN_APP"]}])

        async def nothing_waits() -> bool:
            await house.make_due()
            return await house.open_jobs() == 0

        await house.database.wait_until(nothing_waits)
    assert [each for each in house.server.received if "commented" in each.message["Subject"]] == []
    rows = await app.sql.fetch(
        "SELECT DISTINCT u.first_name, d.detail FROM notification_deliveries d JOIN users u ON u.id = d.user_id WHERE channel = 'EMAIL' AND state = 'SUPPRESSED' ORDER BY 1, 2"
    )
    assert {(row[0], row[1]) for row in rows} >= {
        ("Guest", "The person may not see it any more."),
        ("Mate", "It was read before."),
        ("Owner", "Off in the preferences."),
    }


async def test_a_mail_server_that_hangs_holds_up_neither_inboxes_nor_other_mails(house: MailHouse) -> None:
    app, team = house.app, house.team
    house.server.hanging_recipients.add(team.mate.user.email_address)
    async with (
        house.worker(),
        open_subscription(app, team.mate, "subscription { notificationReceived { id reason } }", own_stream_only=True) as live,
    ):
        task = await create_task(app, team, assigneeId=team.mate.id)
        assert (await live.next_change())["reason"] == "ASSIGNED"

        async def is_tried() -> bool:
            await house.make_due()
            return bool(await app.sql.fetchval("SELECT count(*) FROM jobs WHERE tries > 0") == 1)

        await house.database.wait_until(is_tried)
        await create_comment(app, team.admin, task)
        assert (await live.next_change())["reason"] == "COMMENTED"

        async def arrived() -> bool:
            await house.make_due()
            return bool(house.server.received)

        await house.database.wait_until(arrived)
        assert [each.recipients for each in house.server.received] == [[team.member.user.email_address]]
        assert {each[1] for each in await house.deliveries(team.mate)} == {"QUEUED"}
        house.server.released.set()


async def test_an_address_that_nobody_verified_is_sent_nothing(house: MailHouse) -> None:
    app, team = house.app, house.team
    await app.sql.execute("UPDATE users SET email_verified_at = NULL WHERE id = $1", team.mate.user.id)
    async with house.worker():
        await create_task(app, team, assigneeId=team.mate.id)
        await house.wait_until_notified(team.mate, 1)
    assert await house.deliveries(team.mate) == [("ASSIGNED", "SUPPRESSED", "The e-mail address is not verified.")]
    assert house.server.connections == 0


async def test_a_channel_that_is_off_is_silent_and_the_inbox_can_be_off_too(house: MailHouse) -> None:
    app, team = house.app, house.team
    await mutate_ok(
        app,
        team.mate,
        "notificationPreferencesUpdate",
        set=[{"reason": "ASSIGNED", "channels": ["EMAIL"]}, {"reason": "COMMENTED", "channels": []}],
    )
    async with house.worker():
        task = await create_task(app, team, assigneeId=team.mate.id)
        await create_comment(app, team.admin, task)
        mails = await house.wait_for_mails(2)
    assert sorted(each.recipients for each in mails) == sorted([[team.mate.user.email_address], [team.member.user.email_address]])
    page = await inbox(app, team.mate)
    assert (page["nodes"], page["unreadCount"]) == ([], 0)
    assert await app.sql.fetchval("SELECT count(*) FROM notifications WHERE user_id = $1", team.mate.user.id) == 2


async def test_one_click_ends_mails_of_that_kind_and_changes_nothing_by_being_opened(house: MailHouse) -> None:
    import httpx

    from app.application import create_app

    app, team = house.app, house.team
    async with house.worker():
        await create_task(app, team, assigneeId=team.mate.id)
        (mail,) = await house.wait_for_mails(1)
    path = urlsplit(str(mail.message["List-Unsubscribe"]).strip("<>")).path
    asgi = create_app(house.database.resources, house.database.settings).asgi
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=asgi), base_url="http://hive.test") as http:
        assert "<form" in (await http.get(path)).text
        assert "EMAIL" in await channels(app, team.mate, "ASSIGNED")
        forged = path[:-1] + ("A" if path[-1] != "A" else "B")
        assert (await http.post(forged, data={"List-Unsubscribe": "One-Click"})).status_code == 404
        assert "EMAIL" in await channels(app, team.mate, "ASSIGNED")
        for _ in range(2):
            assert (await http.post(path, data={"List-Unsubscribe": "One-Click"})).status_code == 200
    assert await channels(app, team.mate, "ASSIGNED") == ["IN_APP", "PUSH"]
    assert await channels(app, team.mate, "MENTIONED") == ["IN_APP", "EMAIL", "PUSH"]
    assert await channels(app, team.member, "ASSIGNED") == ["IN_APP", "EMAIL", "PUSH"]


async def channels(app: App, person: Person, reason: str) -> list[str]:
    shown = await app.run(person, "{ viewer { account { notificationPreferences { reason channels } } } }")
    found: dict[str, list[str]] = {
        each["reason"]: each["channels"] for each in shown["viewer"]["account"]["notificationPreferences"]
    }
    return found[reason]


async def test_assignees_are_told_once_of_what_is_due_and_overdue_by_their_own_clock(house: MailHouse) -> None:
    app, team = house.app, house.team
    now = datetime.now(UTC)
    # For one the day of 9:00 has come by now, on the other side of the world it is another one.
    zones = {team.mate: "Pacific/Kiritimati", team.member: "Pacific/Pago_Pago"}
    for person, zone in zones.items():
        await app.sql.execute("UPDATE users SET time_zone = $2 WHERE id = $1", person.user.id, zone)
    from domain.notification import day_in_zone

    expected: dict[str, list[str]] = {}
    for person, zone in zones.items():
        today = day_in_zone(now, zone)
        for days, reason in ((-4, None), (-3, "OVERDUE"), (-1, "OVERDUE"), (0, None), (1, "DUE_SOON"), (2, None)):
            due = today + timedelta(days=days)
            task = await create_task(app, team, f"{days}", by=team.owner, assigneeId=person.id, dueOn=due.isoformat())
            if reason is not None:
                expected.setdefault(person.user.first_name, []).append(f"{task['key']} {reason}")
        done = await create_task(
            app, team, "done", by=team.owner, assigneeId=person.id, dueOn=(today + timedelta(days=1)).isoformat()
        )
        await mutate_ok(app, team.owner, "taskUpdate", id=done["id"], status="DONE")
    services = worker_services(house.database.resources, house.database.resources.database)
    for _ in range(2):
        await app.sql.execute("DELETE FROM schedule_runs")
        await run_if_due(due_dates, services, FAST_TIMINGS, ScheduleMetrics())
        await app.sql.execute("UPDATE schedule_runs SET due_at = due_at - interval '1 hour'")
        await run_if_due(due_dates, services, FAST_TIMINGS, ScheduleMetrics())
        for person in zones:
            found = [f"{each['title'].split()[0]} {each['reason']}" for each in (await inbox(app, person, first=100))["nodes"]]
            assert sorted(found) == sorted(expected[person.user.first_name])


async def test_a_worker_that_dies_between_sending_and_recording_sends_the_same_message_again(house: MailHouse) -> None:
    app, team = house.app, house.team
    gate, reached = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        reached.set()
        await gate.wait()

    house.server.pause = hold
    async with house.worker():
        await create_task(app, team, assigneeId=team.mate.id)
        await house.wait_until_notified(team.mate, 1)
        await house.make_due()
        async with asyncio.timeout(60):
            await reached.wait()
        # As if this worker were gone: its lease ends, and another has the job.
        await app.sql.execute("UPDATE jobs SET run_at = now() - interval '1 s'")
        gate.set()
        await house.wait_until_jobs_are_done()
    ids = {each.message["Message-ID"] for each in house.server.received}
    assert len(ids) == 1
    assert await house.deliveries(team.mate) == [("ASSIGNED", "SENT", None)]
