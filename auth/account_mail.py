"""Words the mails about accounts, and sends them in the background, a few at a time.

A mail holds a token of which nothing but a hash is stored, so it waits in memory: what a crash takes away is asked for again. A
mail server that does not accept mails now is tried again for a few minutes. Where too many mails wait, further ones are dropped
and logged; how many one may cause is limited before (`domain.sign_in.SignInLimits`).
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import quote

from uuid_utils.compat import uuid7

from domain.account_mail import AccountMail, AccountMailKind
from domain.mail import Mail, Mailbox, Mailer, MailRejected, MailUnavailable
from mail.message import build_message
from mail.rendering import MailTemplates
from realtime.background_tasks import BackgroundTasks

logger = logging.getLogger(__name__)

VERIFY_PATH: Final = "/account/verify"
RESET_PATH: Final = "/account/reset"
_MAX_WAITING: Final = 1_000
_SENDERS: Final = 4
_PAUSE_SECONDS: Final = 0.2
"""Before a mail is worded, so that this does not lengthen the answer to the request that caused it."""
_RETRY_SECONDS: Final = (1.0, 5.0, 30.0, 120.0)
_CLOSE_TIMEOUT_SECONDS: Final = 5.0


class _Wording(NamedTuple):
    heading: str
    paragraphs: tuple[str, ...]
    label: str | None
    path: str | None
    reason: str


_IGNORE: Final = "If that was not you, ignore this message: nothing will happen."
_WORDINGS: Final = {
    AccountMailKind.VERIFY_EMAIL: _Wording(
        "Confirm your e-mail address",
        ("Confirm that this address is yours. The link is good for an hour.",),
        "Confirm this address",
        VERIFY_PATH,
        "You receive this because an account was made with this address.",
    ),
    AccountMailKind.COMPLETE_REGISTRATION: _Wording(
        "Finish your registration",
        ("Somebody, probably you, wants an account with this address. The link is good for an hour.", _IGNORE),
        "Make the account",
        VERIFY_PATH,
        "You receive this because this address was given to register an account.",
    ),
    AccountMailKind.ALREADY_REGISTERED: _Wording(
        "You have an account already",
        (
            "Somebody, probably you, wanted to register an account with this address, which has one. Sign in with it; if the"
            " password is forgotten, choose a new one.",
            _IGNORE,
        ),
        None,
        None,
        "You receive this because this address was given to register an account.",
    ),
    AccountMailKind.RESET_PASSWORD: _Wording(
        "Choose a new password",
        ("Somebody, probably you, wants a new password for your account. The link is good for an hour.", _IGNORE),
        "Choose a new password",
        RESET_PATH,
        "You receive this because a new password was asked for.",
    ),
    AccountMailKind.PASSWORD_CHANGED: _Wording(
        "Your password was changed",
        (
            "The password of your account was changed, and other devices were signed out.",
            "If that was not you, choose a new one.",
        ),
        None,
        None,
        "You receive this because the password of your account was changed.",
    ),
    AccountMailKind.FACTOR_ADDED: _Wording(
        "A second factor was added",
        (
            "From now on signing in to your account needs a code beside the password. Other devices were signed out.",
            "If that was not you, change your password and remove the factor.",
        ),
        None,
        None,
        "You receive this because a second factor was added to your account.",
    ),
    AccountMailKind.FACTOR_REMOVED: _Wording(
        "A second factor was removed",
        ("A second factor of your account was removed.", "If that was not you, change your password."),
        None,
        None,
        "You receive this because a second factor of your account was removed.",
    ),
    AccountMailKind.IDENTITY_LINKED: _Wording(
        "You can sign in another way now",
        (
            "Your account was signed in to through another service that confirmed this address, and can be from now on.",
            "If that was not you, change your password and remove the identity from your account.",
        ),
        None,
        None,
        "You receive this because an identity was linked to your account.",
    ),
    AccountMailKind.PASSKEY_ADDED: _Wording(
        "A passkey was added",
        (
            "From now on the passkey signs in to your account, and the password does so only together with it, or with a recovery"
            " code. Other devices were signed out.",
            "If that was not you, change your password and remove the passkey.",
        ),
        None,
        None,
        "You receive this because a passkey was added to your account.",
    ),
    AccountMailKind.PASSKEY_REMOVED: _Wording(
        "A passkey was removed",
        ("A passkey of your account was removed.", "If that was not you, change your password."),
        None,
        None,
        "You receive this because a passkey of your account was removed.",
    ),
    AccountMailKind.CONFIRM_OLD_EMAIL: _Wording(
        "Confirm your new e-mail address",
        (
            "Your account shall have the address {new_address} from now on. It is changed when both addresses have confirmed it."
            " The link is good for an hour.",
            "If that was not you, do not confirm it, and change your password.",
        ),
        "Give this address up",
        VERIFY_PATH,
        "You receive this because this is the address of your account.",
    ),
    AccountMailKind.CONFIRM_NEW_EMAIL: _Wording(
        "Confirm your new e-mail address",
        (
            "Your account shall have this address from now on. It is changed when both addresses have confirmed it. The link is"
            " good for an hour.",
            _IGNORE,
        ),
        "Confirm this address",
        VERIFY_PATH,
        "You receive this because this address was given for an account.",
    ),
}


class BackgroundAccountMailer:
    """Implements `domain.account_mail.AccountMailer`. `logs_links`: the links are logged too, for development."""

    def __init__(self, mailer: Mailer, *, origin: str, logs_links: bool) -> None:
        self._mailer = mailer
        self._origin = origin
        self._templates = MailTemplates(origin)
        self._logs_links = logs_links
        self._waiting: asyncio.Queue[AccountMail] = asyncio.Queue(_MAX_WAITING)
        self._pause_seconds = _PAUSE_SECONDS
        self._tasks = BackgroundTasks()

    @classmethod
    @asynccontextmanager
    async def open(cls, mailer: Mailer, *, origin: str, logs_links: bool) -> AsyncIterator["BackgroundAccountMailer"]:
        """Sends while this is open; at the end what waits is sent, if that takes no longer than a few seconds."""
        opened = cls(mailer, origin=origin, logs_links=logs_links)
        for number in range(_SENDERS):
            opened._tasks.supervise(opened._send_forever(), f"account mails: sender {number}")
        try:
            yield opened
        finally:
            await opened._drain()

    def link_of(self, mail: AccountMail) -> str | None:
        """The address that a mail asks to open, if it asks for that and is sent."""
        path = _WORDINGS[mail.kind].path
        return None if path is None or mail.token is None or mail.is_decoy else f"{self._origin}{path}?token={quote(mail.token)}"

    def send(self, mail: AccountMail) -> None:
        """Send it soon; drop it where too many wait."""
        if self._logs_links and (link := self.link_of(mail)) is not None:
            logger.info("Link of the mail to %s: %s", mail.address, link, extra={"is_shown_whole": True})
        try:
            self._waiting.put_nowait(mail)
        except asyncio.QueueFull:
            logger.error("Too many mails about accounts wait; one was dropped.")

    async def _send_forever(self) -> None:
        while True:
            mail = await self._waiting.get()
            try:
                await asyncio.sleep(self._pause_seconds)
                worded = self._compose(mail)
                if mail.is_decoy:
                    build_message(worded, worded.to)
                else:
                    await self._send_one(worded)
            finally:
                self._waiting.task_done()

    async def _send_one(self, mail: Mail) -> None:
        for pause in (*_RETRY_SECONDS, None):
            try:
                return await self._mailer.send(mail)
            except MailRejected as error:
                logger.warning("A mail about an account was rejected: %s", error.reason)
                return None
            except MailUnavailable as error:
                if pause is None:
                    logger.error("A mail about an account was given up: %s", error.reason)
                    return None
                await asyncio.sleep(pause)
        return None

    def _compose(self, mail: AccountMail) -> Mail:
        wording = _WORDINGS[mail.kind]
        content = self._templates.render(
            "action",
            heading=wording.heading,
            paragraphs=[each.format(new_address=mail.new_address) for each in wording.paragraphs],
            url=self.link_of(replace(mail, is_decoy=False)),
            label=wording.label,
            reason=wording.reason,
        )
        return Mail(
            id=uuid7(),
            to=Mailbox(name=mail.name, address=mail.address),
            subject=content.subject,
            text=content.text,
            html=content.html,
            created_at=datetime.now(UTC),
        )

    async def _drain(self) -> None:
        self._pause_seconds = 0.0
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
                await self._waiting.join()
        except TimeoutError:
            logger.warning("Some mails about accounts were not sent before the server stopped.")
        await self._tasks.cancel_all()
