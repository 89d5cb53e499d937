"""Bounces and complaints, as SNS posts them: they switch mails off until the person asks for them again, and nobody else can."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from domain.events import derived_id
from domain.mail_report import MAX_SOFT_BOUNCES
from domain.notification import NotificationChannel
from gateway.inbound_mail.sns_endpoint import PATH, SnsEndpoint
from mail.sns_message import SnsVerifier
from persistence.stores import mail_report
from persistence.unit_of_work import unit_of_work
from tests.support.app import App, Person
from tests.support.graph_actions import create_task, mutate_ok, table_states
from tests.support.notifications import handle_events, stream_head
from tests.support.sns_topic import TOPIC, SnsTopic, bounce, complaint
from tests.support.teams import SampleTeam

AMAZON = SnsTopic()
OFF = "{ viewer { account { emailOffReason } } }"
DELIVERIES = "{ notifications(first: 1) { nodes { deliveries { channel state detail } } } }"


@pytest.fixture
async def sns(app: App) -> AsyncIterator[httpx.AsyncClient]:
    """What SNS posts to."""
    resources = app.resources
    endpoint = SnsEndpoint(resources.database, resources.services.pubsub, SnsVerifier([TOPIC], AMAZON.fetch), resources.outgoing)
    transport = httpx.ASGITransport(Starlette(routes=endpoint.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://hive.test") as client:
        yield client


async def post(sns: httpx.AsyncClient, message: Any) -> int:
    body = message if isinstance(message, bytes) else orjson.dumps(message)
    return (await sns.post(PATH, content=body, headers={"Content-Type": "text/plain; charset=UTF-8"})).status_code


async def off_reason(app: App, person: Person) -> str | None:
    found: str | None = (await app.run(person, OFF))["viewer"]["account"]["emailOffReason"]
    return found


async def test_a_hard_bounce_switches_mails_off_until_they_are_asked_for_again(
    app: App, team: SampleTeam, sns: httpx.AsyncClient
) -> None:
    address = team.mate.user.email_address
    message = AMAZON.message(bounce(address.upper()))
    assert await post(sns, message) == 200
    assert await off_reason(app, team.mate) == "The address was refused: smtp; 550 5.1.1 no such user"
    assert await off_reason(app, team.member) is None
    await mutate_ok(app, team.mate, "notificationPreferencesUpdate", digest="OFF")
    assert await off_reason(app, team.mate) is None
    before = await table_states(app)
    assert await post(sns, message) == 200  # repeated: by SNS, or by somebody who got hold of it
    assert await table_states(app) == before


async def test_a_complaint_switches_mails_off(app: App, team: SampleTeam, sns: httpx.AsyncClient) -> None:
    assert await post(sns, AMAZON.message(complaint(team.mate.user.email_address), version="1")) == 200
    assert await off_reason(app, team.mate) == "Mails to the address were reported as spam."


async def test_soft_bounces_are_counted(app: App, team: SampleTeam, sns: httpx.AsyncClient) -> None:
    for number in range(MAX_SOFT_BOUNCES):
        assert await off_reason(app, team.mate) is None, number
        assert await post(sns, AMAZON.message(bounce(team.mate.user.email_address, kind="Transient"))) == 200
    reason = await off_reason(app, team.mate)
    assert reason == f"The address did not take mails {MAX_SOFT_BOUNCES} times: smtp; 550 5.1.1 no such user"


async def test_old_soft_bounces_count_no_more(app: App, team: SampleTeam, sns: httpx.AsyncClient) -> None:
    for _ in range(MAX_SOFT_BOUNCES - 1):
        await post(sns, AMAZON.message(bounce(team.mate.user.email_address, kind="Transient")))
    await app.sql.execute("UPDATE mail_reports SET at = at - interval '31 days' WHERE user_id = $1", team.mate.user.id)
    await post(sns, AMAZON.message(bounce(team.mate.user.email_address, kind="Transient")))
    assert await off_reason(app, team.mate) is None
    async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
        assert await mail_report.delete_older(uow.connection, datetime.now(UTC) - timedelta(days=30), limit=100) >= 4
    assert await app.sql.fetchval("SELECT count(*) FROM mail_reports WHERE user_id = $1", team.mate.user.id) == 1


async def test_the_delivery_that_came_back_has_failed(app: App, team: SampleTeam, sns: httpx.AsyncClient) -> None:
    await app.sql.execute("UPDATE users SET email_verified_at = now() WHERE id = $1", team.mate.user.id)
    after = await stream_head(app, team)
    await create_task(app, team, assigneeId=team.mate.id)
    await handle_events(app, team, after)
    sent = "UPDATE notification_deliveries SET state = 'SENT', detail = NULL WHERE channel = 'EMAIL' AND user_id = $1 RETURNING due_at"
    due_at = await app.sql.fetchval(sent, team.mate.user.id)
    mail_id = derived_id(team.mate.user.id, NotificationChannel.EMAIL, due_at.isoformat())
    await post(sns, AMAZON.message(bounce(team.mate.user.email_address, message_id=f"<{uuid4()}@example.com>")))
    assert await mail_delivery(app, team.mate) == ("SENT", None)
    await post(sns, AMAZON.message(bounce(team.mate.user.email_address, message_id=f"<{mail_id}@example.com>")))
    assert await mail_delivery(app, team.mate) == ("FAILED", "Came back: smtp; 550 5.1.1 no such user")


async def mail_delivery(app: App, person: Person) -> tuple[str, str | None]:
    """State and detail of the mail about the newest notification."""
    (node,) = (await app.run(person, DELIVERIES))["notifications"]["nodes"]
    (found,) = [each for each in node["deliveries"] if each["channel"] == "EMAIL"]
    return found["state"], found["detail"]


async def test_what_is_not_amazons_changes_nothing(app: App, team: SampleTeam, sns: httpx.AsyncClient) -> None:
    address = team.mate.user.email_address
    stranger, theirs = SnsTopic(), SnsTopic("arn:aws:sns:eu-west-1:666666666666:mail")
    good = AMAZON.message(bounce(address))
    before = await table_states(app)
    for message in (
        stranger.message(bounce(address)),
        theirs.message(bounce(address)),
        good | {"Message": bounce(address)},
        AMAZON.message(bounce(address), Timestamp="2020-01-01T00:00:00.000Z"),
        AMAZON.confirmation(SubscribeURL="https://evil.example/"),
        b"",
        b"{}",
        b"\xff" * 1000,
        b"[" * 100_000,
    ):
        assert await post(sns, message) == 403
    assert await table_states(app) == before


async def test_reports_of_nobody_and_of_something_else_change_nothing(app: App, team: SampleTeam, sns: httpx.AsyncClient) -> None:
    before = await table_states(app)
    texts = (
        bounce("nobody@example.com"),
        bounce("no address"),
        bounce(""),
        complaint("x" * 5000),
        "Successfully validated",
        "{}",
    )
    for text in texts:
        assert await post(sns, AMAZON.message(text)) == 200
    assert await table_states(app) == before


async def test_a_body_that_is_larger_than_any_message_is_not_read(app: App, sns: httpx.AsyncClient) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(160):
            sent += 65_536
            yield b"x" * 65_536

    assert (await sns.post(PATH, content=b"x" * 10 * 2**20)).status_code == 413
    assert (await sns.post(PATH, content=body(), headers={"Content-Length": "100"})).status_code == 413
    assert sent < 2**20


async def test_a_certificate_that_cannot_be_fetched_lets_the_message_come_again(app: App, team: SampleTeam) -> None:
    from gateway.inbound_mail.sns_endpoint import fetch_certificate
    from outgoing.safe_http import SafeHttpClient

    async def resolve(host: str) -> list[str]:
        raise OSError("no name server")

    async with SafeHttpClient.open(app.resources.outgoing.rules, resolve=resolve) as away:
        resources = app.resources
        endpoint = SnsEndpoint(resources.database, resources.services.pubsub, SnsVerifier([TOPIC], fetch_certificate(away)), away)
        transport = httpx.ASGITransport(Starlette(routes=endpoint.routes()))
        async with httpx.AsyncClient(transport=transport, base_url="http://hive.test") as client:
            assert await post(client, AMAZON.message(bounce(team.mate.user.email_address))) == 503
    assert await off_reason(app, team.mate) is None
