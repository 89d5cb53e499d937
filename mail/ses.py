"""Sends mails by Amazon SES (its interface v2), or by a service with the same interface.

A send may take 2 s to connect, 10 s of silence and 30 s in all. It is tried once: a second attempt after a lost answer would be a
second message, and the caller decides when to try again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aioboto3
from aiobotocore.config import AioConfig
from aiohttp import ClientError as ConnectionLost
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from domain.mail import Mail, Mailbox, MailRejected, MailUnavailable
from mail.mail_url import SesRegion
from mail.message import build_message

CONNECT_TIMEOUT_SECONDS: Final = 2.0
READ_TIMEOUT_SECONDS: Final = 10.0
MESSAGE_TIMEOUT_SECONDS: Final = 30.0
MAX_CONNECTIONS: Final = 8
_NOT_VERIFIED: Final = "not verified"  # the operator's affair: the sender, or in the sandbox any address
_REJECTED_CODES: Final = frozenset({"MessageRejected", "BadRequestException", "InvalidParameterValue"})


class SesMailer:
    """Implements `domain.mail.Mailer`."""

    def __init__(self, client: Any, *, sender: Mailbox, configuration_set: str | None) -> None:
        self._client, self._sender, self._configuration_set = client, sender, configuration_set

    @classmethod
    @asynccontextmanager
    async def open(cls, region: SesRegion, *, sender: Mailbox) -> AsyncIterator["SesMailer"]:
        """The service in a region; no request is sent yet."""
        config = AioConfig(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=MAX_CONNECTIONS,
        )
        session = aioboto3.Session(aws_access_key_id=region.key, aws_secret_access_key=region.secret, region_name=region.region)
        async with session.client("sesv2", endpoint_url=region.endpoint, config=config) as client:
            yield cls(client, sender=sender, configuration_set=region.configuration_set)

    async def send(self, mail: Mail) -> None:
        message = build_message(mail, self._sender)
        if message.needs_smtputf8:
            raise MailRejected("The mail server knows no addresses in this script.", bad_address=True)
        given: dict[str, Any] = {
            "FromEmailAddress": message.sender,
            "Destination": {"ToAddresses": [message.recipient]},
            "Content": {"Raw": {"Data": message.content}},
        }
        if self._configuration_set is not None:
            given["ConfigurationSetName"] = self._configuration_set
        try:
            async with asyncio.timeout(MESSAGE_TIMEOUT_SECONDS):
                await self._client.send_email(**given)
        except ClientError as error:
            answer = error.response.get("Error", {})
            code, text = str(answer.get("Code", "")), str(answer.get("Message", ""))
            if code in _REJECTED_CODES and _NOT_VERIFIED not in text:
                raise MailRejected(f"{code}: {text}") from error
            raise MailUnavailable(f"{code}: {text}") from error  # throttled, paused, not verified yet, no permission
        except (BotoCoreError, HTTPClientError, ConnectionLost, OSError) as error:
            raise MailUnavailable(str(error) or type(error).__name__) from error
