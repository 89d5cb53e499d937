"""Mails about accounts: what they say, and that sending them fails nothing."""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from auth import account_mail
from auth.account_mail import BackgroundAccountMailer
from domain.account_mail import AccountMail, AccountMailKind
from domain.mail import Mail, Mailbox, MailRejected, MailUnavailable
from mail.console import ConsoleMailer

ORIGIN = "https://hive.example.com"
TOKEN = "a-token_of-43-characters"
_WITHOUT_LINK = {
    AccountMailKind.ALREADY_REGISTERED,
    AccountMailKind.FACTOR_ADDED,
    AccountMailKind.FACTOR_REMOVED,
    AccountMailKind.IDENTITY_LINKED,
    AccountMailKind.PASSKEY_ADDED,
    AccountMailKind.PASSKEY_REMOVED,
    AccountMailKind.PASSWORD_CHANGED,
}


class RecordingMailer:
    """A `domain.mail.Mailer` that fails as its outcomes say, one for each try, and then no more."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.outcomes = list(outcomes)
        self.sent: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        if self.outcomes and (failure := self.outcomes.pop(0)) is not None:
            raise failure
        self.sent.append(mail)


def mail_of(kind: AccountMailKind, name: str = "Ada Lovelace") -> AccountMail:
    token = None if kind in _WITHOUT_LINK else TOKEN
    return AccountMail(kind=kind, address="ada@example.com", name=name, token=token, new_address="new@example.com")


@pytest.mark.parametrize("kind", AccountMailKind)
async def test_every_mail_says_what_it_is_about_and_links_to_where_it_is_done(tmp_path: Path, kind: AccountMailKind) -> None:
    console = ConsoleMailer(tmp_path, sender=Mailbox(address="hive@example.com"))
    async with BackgroundAccountMailer.open(console, origin=ORIGIN, logs_links=False) as mailer:
        link = mailer.link_of(mail_of(kind))
        mailer.send(mail_of(kind))
    (stored,) = await console.list_all()
    assert stored.message["To"] == "Ada Lovelace <ada@example.com>"
    for subtype in ("plain", "html"):
        text = stored.part(subtype)
        assert (TOKEN in text) is (link is not None)
        assert ("new@example.com" in text) is (kind is AccountMailKind.CONFIRM_OLD_EMAIL)
    if link is not None:
        assert link in stored.part("plain")
        assert urlsplit(link)[:2] == ("https", "hive.example.com")
        assert parse_qs(urlsplit(link).query) == {"token": [TOKEN]}
    assert (link is None) is (kind in _WITHOUT_LINK)


async def test_a_decoy_is_worded_but_not_sent_and_has_no_link(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    recording = RecordingMailer()
    decoy = replace(mail_of(AccountMailKind.RESET_PASSWORD, ""), is_decoy=True)
    async with BackgroundAccountMailer.open(recording, origin=ORIGIN, logs_links=True) as mailer:
        assert mailer.link_of(decoy) is None
        mailer.send(decoy)
        assert mailer._waiting.qsize() == 1
    assert mailer._waiting.qsize() == 0
    assert recording.sent == []
    assert TOKEN not in caplog.text


async def test_a_mail_is_tried_again_and_one_that_is_rejected_is_not(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(account_mail, "_RETRY_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(account_mail, "_SENDERS", 1)
    down = MailUnavailable("connection refused")
    rejected = MailRejected("no such mailbox")
    recording = RecordingMailer(down, down, None, rejected, down, down, down)
    async with BackgroundAccountMailer.open(recording, origin=ORIGIN, logs_links=False) as mailer:
        for name in ("Tried again", "Rejected", "Given up", "Last"):
            mailer.send(mail_of(AccountMailKind.VERIFY_EMAIL, name))
    assert [each.to.name for each in recording.sent] == ["Tried again", "Last"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.ERROR]


async def test_mails_beyond_those_that_may_wait_are_dropped_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(account_mail, "_MAX_WAITING", 3)
    recording = RecordingMailer()
    async with BackgroundAccountMailer.open(recording, origin=ORIGIN, logs_links=False) as mailer:
        for _ in range(5):
            mailer.send(mail_of(AccountMailKind.RESET_PASSWORD))
    assert len(recording.sent) == 3
    assert [record.message for record in caplog.records] == ["Too many mails about accounts wait; one was dropped."] * 2


async def test_stopping_waits_for_mails_but_not_for_a_server_that_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(account_mail, "_CLOSE_TIMEOUT_SECONDS", 0.05)
    recording = RecordingMailer(MailUnavailable("connection refused"))
    async with asyncio.timeout(30), BackgroundAccountMailer.open(recording, origin=ORIGIN, logs_links=False) as mailer:
        mailer.send(mail_of(AccountMailKind.RESET_PASSWORD))
    assert recording.sent == []
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_links_are_logged_in_development_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for logs_links in (False, True):
        async with BackgroundAccountMailer.open(RecordingMailer(), origin=ORIGIN, logs_links=logs_links) as mailer:
            mailer.send(mail_of(AccountMailKind.RESET_PASSWORD))
        assert (TOKEN in caplog.text) is logs_links
