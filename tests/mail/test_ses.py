"""SES against a stand-in for it: what is accepted, and what its refusals come to."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aioboto3
import httpx
import pytest

from domain.mail import Mailbox, MailRejected, MailUnavailable
from mail.mail_url import SesRegion, parse_mail_url
from mail.ses import SesMailer
from tests.support.backing_services import free_port
from tests.support.ministack import KEY, SECRET, ministack
from tests.support.sample_mail import SENDER, sample_mail

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ministack(tmp_path_factory.mktemp("ses"), services="ses") as url:
        yield url


@asynccontextmanager
async def mailer(endpoint: str) -> AsyncIterator[SesMailer]:
    region = parse_mail_url(f"ses://{KEY}:{SECRET}@eu-west-1?endpoint={quote(endpoint, safe='')}")
    assert isinstance(region, SesRegion)
    async with SesMailer.open(region, sender=SENDER) as opened:
        yield opened


async def verify(service: str, *identities: str) -> None:
    session = aioboto3.Session(aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="eu-west-1")
    async with session.client("sesv2", endpoint_url=service) as client:
        for identity in identities:
            await client.create_email_identity(EmailIdentity=identity)


async def sent(service: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient() as http:
        messages = (await http.get(f"{service}/_ministack/ses/messages")).json()["messages"]
    return [each for account in messages.values() for each in account] if isinstance(messages, dict) else messages


async def test_a_mail_waits_until_its_sender_is_verified_and_is_accepted_then(service: str) -> None:
    async with mailer(service) as ses:
        with pytest.raises(MailUnavailable) as failed:
            await ses.send(sample_mail())
        assert "not verified" in failed.value.reason
        assert await sent(service) == []
        await verify(service, "hive@example.com", "ada@example.org")
        await ses.send(sample_mail(subject="Größe"))
    (message,) = await sent(service)
    assert (message["Source"], message["To"], message["Subject"]) == ("hive@example.com", ["ada@example.org"], "Größe")


async def test_an_address_that_it_cannot_send_to_is_rejected(service: str) -> None:
    async with mailer(service) as ses:
        for address in ("jörg@example.org", "ada"):
            with pytest.raises(MailRejected) as rejected:
                await ses.send(sample_mail(to=Mailbox(address=address)))
            assert rejected.value.bad_address


async def test_a_service_that_is_down_is_unavailable() -> None:
    async with mailer(f"http://127.0.0.1:{free_port()}") as ses:
        with pytest.raises(MailUnavailable):
            await ses.send(sample_mail())
