"""Sends mails by SMTP, one connection a message, at most four at a time.

Connecting and each answer may take 10 s, a message 30 s in all. What the server's answers mean: 4xx, silence, a lost connection,
refused credentials or a refused sender are the server's or the operator's affair, so the message waits (MailUnavailable); 5xx for
the recipient or the message itself is the end of this message (MailRejected).
"""

import asyncio
import ssl
from typing import Final

import aiosmtplib

from domain.email_address import ascii_form
from domain.mail import Mail, Mailbox, MailRejected, MailUnavailable
from mail.mail_url import SmtpServer
from mail.message import build_message

ANSWER_TIMEOUT_SECONDS: Final = 10.0
MESSAGE_TIMEOUT_SECONDS: Final = 30.0
MAX_CONNECTIONS: Final = 4
_PERMANENT: Final = 500
# 5.1.x: bad destination mailbox, system or syntax; 550, 551 and 553 without it mean the same by custom (RFC 5321, RFC 3463).
_BAD_ADDRESS_CODES: Final = frozenset({550, 551, 553})


class SmtpMailer:
    """Implements `domain.mail.Mailer`."""

    def __init__(
        self,
        server: SmtpServer,
        *,
        sender: Mailbox,
        answer_timeout_seconds: float = ANSWER_TIMEOUT_SECONDS,
        message_timeout_seconds: float = MESSAGE_TIMEOUT_SECONDS,
    ) -> None:
        self._server, self._sender = server, sender
        self._answer_timeout_seconds, self._message_timeout_seconds = answer_timeout_seconds, message_timeout_seconds
        self._tls = None if server.tls == "none" else ssl.create_default_context(cafile=server.ca_file)
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)

    async def send(self, mail: Mail) -> None:
        message = build_message(mail, self._sender)
        options = ["SMTPUTF8"] if message.needs_smtputf8 else []
        async with self._slots:
            try:
                async with asyncio.timeout(self._message_timeout_seconds), self._connection() as connection:
                    await connection.sendmail(message.sender, [message.recipient], message.content, mail_options=options)
            except aiosmtplib.SMTPRecipientsRefused as error:
                refused = error.recipients[0]
                _raise(refused.code, refused.message, of_recipient=True)
            except aiosmtplib.SMTPDataError as error:
                _raise(error.code, error.message)
            except aiosmtplib.SMTPNotSupported as error:
                if options:
                    raise MailRejected("The mail server knows no addresses in this script.", bad_address=True) from error
                raise MailUnavailable(str(error)) from error  # it offers no STARTTLS, or no way to sign in
            except (aiosmtplib.SMTPException, OSError) as error:  # TimeoutError and SSLError are OSErrors
                raise MailUnavailable(str(error) or type(error).__name__) from error

    def _connection(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            tls_context=self._tls,
            local_hostname=ascii_form(self._sender.address).rpartition("@")[2],  # its default asks DNS, and blocks
            timeout=self._answer_timeout_seconds,
        )


def _raise(code: int, answer: str, *, of_recipient: bool = False) -> None:
    reason = f"{code} {answer}"
    if code < _PERMANENT:
        raise MailUnavailable(reason)
    enhanced = answer.split(" ", 1)[0]
    bad = enhanced.startswith("5.1.") if enhanced[:2] == "5." else code in _BAD_ADDRESS_CODES
    raise MailRejected(reason, bad_address=of_recipient and bad)
