"""SMTP against a real server: TLS, STARTTLS and passwords, what each of the server's answers comes to, and servers that hang."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from domain.mail import Mail, Mailbox, MailRejected, MailUnavailable
from mail.mail_url import SmtpServer, parse_mail_url
from mail.smtp import MAX_CONNECTIONS, SmtpMailer
from tests.support.backing_services import free_port
from tests.support.mail_server import PASSWORD, USERNAME, MailServer, mail_server, make_certificate
from tests.support.sample_mail import MAIL_ID, SENDER, sample_mail

LOGIN = f"{USERNAME}:{quote(PASSWORD, safe='')}"


def mailer(url: str, **timeouts: float) -> SmtpMailer:
    server = parse_mail_url(url)
    assert isinstance(server, SmtpServer)
    return SmtpMailer(server, sender=SENDER, **timeouts)


@pytest.fixture
async def plain_server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


def plain(server: MailServer, **timeouts: float) -> SmtpMailer:
    return mailer(f"smtp://127.0.0.1:{server.port}?tls=none", **timeouts)


async def test_a_mail_arrives_with_its_envelope_headers_and_both_bodies(plain_server: MailServer) -> None:
    text = "First\n.\n..\nGrüße 🐆\n"
    await plain(plain_server).send(sample_mail(text=text))
    (received,) = plain_server.received
    assert (received.sender, received.recipients, received.over_tls) == ("hive@example.com", ["ada@example.org"], False)
    message = received.message
    assert (message["Subject"], message["Message-ID"]) == ("Ship it", f"<{MAIL_ID}@example.com>")
    plain_body, html_body = message.get_body(("plain",)), message.get_body(("html",))
    assert plain_body is not None
    assert html_body is not None
    assert plain_body.get_content().replace("\r\n", "\n") == text
    assert html_body.get_content().replace("\r\n", "\n") == "<p>Ready.</p>\n"


@pytest.mark.parametrize("implicit", [False, True])
async def test_a_mail_goes_over_tls_with_a_password(tmp_path: Path, implicit: bool) -> None:
    context, certificate = make_certificate(tmp_path)
    async with mail_server(tls=context, implicit_tls=implicit, auth=True) as server:
        scheme = "smtps" if implicit else "smtp"
        await mailer(f"{scheme}://{LOGIN}@127.0.0.1:{server.port}?ca={certificate}").send(sample_mail())
        assert [(each.over_tls, each.username) for each in server.received] == [(True, USERNAME)]


@pytest.mark.parametrize("implicit", [False, True])
async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path, implicit: bool) -> None:
    context, _ = make_certificate(tmp_path)
    async with mail_server(tls=context, implicit_tls=implicit) as server:
        with pytest.raises(MailUnavailable) as failed:
            await mailer(f"{'smtps' if implicit else 'smtp'}://127.0.0.1:{server.port}").send(sample_mail())
        assert "certificate" in failed.value.reason.lower()
        assert server.received == []


async def test_a_server_that_offers_no_starttls_gets_neither_password_nor_mail(plain_server: MailServer) -> None:
    with pytest.raises(MailUnavailable):
        await mailer(f"smtp://{LOGIN}@127.0.0.1:{plain_server.port}").send(sample_mail())
    assert plain_server.received == []


async def test_with_a_wrong_password_the_mail_waits(tmp_path: Path) -> None:
    context, certificate = make_certificate(tmp_path)
    async with mail_server(tls=context, auth=True) as server:
        with pytest.raises(MailUnavailable) as failed:
            await mailer(f"smtp://hive:wrong@127.0.0.1:{server.port}?ca={certificate}").send(sample_mail())
        assert "535" in str(failed.value.reason)
        assert "wrong" not in failed.value.reason
        assert server.received == []


@pytest.mark.parametrize(
    ("answer", "bad_address"),
    [
        ("550 5.1.1 No such user", True),
        ("550 No such user", True),
        ("553 5.1.3 Bad syntax", True),
        ("552 5.2.2 Mailbox full", False),
        ("550 5.7.1 Blocked by policy", False),
    ],
)
async def test_an_address_that_is_refused_for_good_is_rejected_and_others_are_not(
    plain_server: MailServer, answer: str, bad_address: bool
) -> None:
    plain_server.refused_recipients["gone@example.org"] = answer
    sending = plain(plain_server)
    with pytest.raises(MailRejected) as rejected:
        await sending.send(sample_mail(to=Mailbox(address="gone@example.org")))
    assert (rejected.value.reason, rejected.value.bad_address) == (answer, bad_address)
    await sending.send(sample_mail())
    assert [each.recipients for each in plain_server.received] == [["ada@example.org"]]


async def test_an_address_that_is_refused_for_now_waits(plain_server: MailServer) -> None:
    plain_server.refused_recipients["ada@example.org"] = "451 4.7.1 Greylisted"
    with pytest.raises(MailUnavailable) as failed:
        await plain(plain_server).send(sample_mail())
    assert failed.value.reason == "451 4.7.1 Greylisted"


async def test_a_message_that_is_refused_waits_or_is_rejected_as_the_server_says(plain_server: MailServer) -> None:
    plain_server.data_answers = ["452 4.3.1 Disk full", "554 5.6.0 Looks like spam"]
    with pytest.raises(MailUnavailable):
        await plain(plain_server).send(sample_mail())
    with pytest.raises(MailRejected) as rejected:
        await plain(plain_server).send(sample_mail())
    assert not rejected.value.bad_address
    await plain(plain_server).send(sample_mail())
    assert len(plain_server.received) == 1


async def test_a_server_that_is_down_is_unavailable() -> None:
    with pytest.raises(MailUnavailable):
        await mailer(f"smtp://127.0.0.1:{free_port()}?tls=none").send(sample_mail())


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    async with silent:
        url = f"smtp://127.0.0.1:{silent.sockets[0].getsockname()[1]}?tls=none"
        with pytest.raises(MailUnavailable):
            await asyncio.wait_for(mailer(url, answer_timeout_seconds=0.1).send(sample_mail()), 30)
        with pytest.raises(MailUnavailable):
            await asyncio.wait_for(mailer(url, message_timeout_seconds=0.1).send(sample_mail()), 30)


async def test_an_answer_that_is_lost_leaves_the_mail_to_be_sent_again_under_the_same_id(plain_server: MailServer) -> None:
    gate = asyncio.Event()
    plain_server.pause = gate.wait
    with pytest.raises(MailUnavailable):
        await plain(plain_server, answer_timeout_seconds=0.2).send(sample_mail())
    gate.set()
    await plain(plain_server).send(sample_mail())
    assert {each.message["Message-ID"] for each in plain_server.received} == {f"<{MAIL_ID}@example.com>"}


async def test_more_than_a_few_mails_wait_for_a_connection(plain_server: MailServer) -> None:
    gate, at_once, most = asyncio.Event(), 0, 0

    async def count() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if at_once == MAX_CONNECTIONS:
            gate.set()
        await gate.wait()
        at_once -= 1

    plain_server.pause = count
    sending = plain(plain_server)
    await asyncio.gather(*(sending.send(sample_mail()) for _ in range(3 * MAX_CONNECTIONS)))
    assert (len(plain_server.received), most) == (3 * MAX_CONNECTIONS, MAX_CONNECTIONS)


def in_letters() -> Mail:
    return sample_mail(to=Mailbox(name="Jörg", address="jörg@bücher.example"))


async def test_an_address_in_letters_is_sent_where_the_server_knows_such(plain_server: MailServer) -> None:
    await plain(plain_server).send(in_letters())
    await plain(plain_server).send(sample_mail(to=Mailbox(address="ada@bücher.example")))
    assert [each.recipients for each in plain_server.received] == [["jörg@xn--bcher-kva.example"], ["ada@xn--bcher-kva.example"]]
    async with mail_server(utf8=False) as old:
        with pytest.raises(MailRejected) as rejected:
            await plain(old).send(in_letters())
        assert rejected.value.bad_address
        await plain(old).send(sample_mail(to=Mailbox(name="Jörg", address="ada@bücher.example")))
        assert [each.recipients for each in old.received] == [["ada@xn--bcher-kva.example"]]


async def test_an_address_that_is_none_reaches_no_server(plain_server: MailServer) -> None:
    with pytest.raises(MailRejected):
        await plain(plain_server).send(sample_mail(to=Mailbox(address="ada@example.org>\r\nRCPT TO:<eve@evil.example")))
    assert plain_server.connections == 0
