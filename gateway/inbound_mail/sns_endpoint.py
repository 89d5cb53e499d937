"""Takes messages of SNS about mails (`/mail/sns`): confirms subscriptions to topics of ours, records bounces and complaints, and
takes mails that SES received.

Whatever is not signed by Amazon for a topic that the operator named is answered with 403 and changes nothing. What SNS is to
deliver again, since something is away, is answered with 503.
"""

import logging
from datetime import UTC, datetime
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from domain.errors import Unavailable
from domain.mail_report import receive_reports
from domain.outgoing_url import UnsafeUrl
from gateway.inbound_mail.replies import ReplyReceiver
from mail.ses_event import read_event, received_mail, reports_of
from mail.sns_message import (
    MAX_MESSAGE_BYTES,
    CertificateUnavailable,
    FetchCertificate,
    InvalidMessage,
    SnsMessage,
    SnsVerifier,
)
from outgoing.safe_http import OutgoingError, SafeHttpClient
from persistence.engine.database import Database
from persistence.unit_of_work import Announcer, run_in_unit_of_work

PATH: Final = "/mail/sns"
_OK: Final = 200
_MAX_CERTIFICATE_BYTES: Final = 16 * 1024
logger = logging.getLogger(__name__)


class SnsEndpoint:
    """The endpoint. It is there only where topics are set."""

    def __init__(
        self,
        database: Database,
        announcer: Announcer,
        verifier: SnsVerifier,
        http: SafeHttpClient,
        receiver: ReplyReceiver | None = None,
    ) -> None:
        """`receiver`: makes comments of replies; None where nothing is received."""
        self._database, self._announcer = database, announcer
        self._verifier, self._http = verifier, http
        self._receiver = receiver

    def routes(self) -> list[BaseRoute]:
        """The route that SNS posts to."""
        return [Route(PATH, self._receive, methods=["POST"])]

    async def _receive(self, request: Request) -> Response:
        body = await read_body(request, MAX_MESSAGE_BYTES)
        if body is None:
            return PlainTextResponse("The message is larger than SNS sends any.", 413)
        try:
            message = await self._verifier.verify(body, datetime.now(UTC))
            await self._handle(message)
        except InvalidMessage as error:
            logger.warning("A message to %s is refused: %s", PATH, error)
            return PlainTextResponse(str(error), 403)
        except (CertificateUnavailable, Unavailable, OutgoingError) as error:
            logger.warning("A message of SNS cannot be handled now: %s", error)
            return PlainTextResponse("Deliver it again later.", 503)
        return PlainTextResponse("Thank you.")

    async def _handle(self, message: SnsMessage) -> None:
        if message.subscribe_url is not None:
            answer = await self._http.request("GET", message.subscribe_url)
            if answer.status != _OK:
                raise CertificateUnavailable(f"The subscription was not confirmed: {answer.status}.")
            logger.info("The subscription to %s is confirmed.", message.topic)
        if message.kind != "Notification":
            return
        event = read_event(message.text)
        if self._receiver is not None and (received := received_mail(event)) is not None:
            await self._receiver.receive(received.content, received.recipients)
        reports = reports_of(event, datetime.now(UTC))
        if reports:
            await run_in_unit_of_work(self._database, self._announcer, lambda uow: receive_reports(uow, reports))


def fetch_certificate(http: SafeHttpClient) -> FetchCertificate:
    """Fetches certificates from the hosts that `mail.sns_message` permits."""

    async def fetch(url: str) -> bytes:
        try:
            answer = await http.request("GET", url, max_body_bytes=_MAX_CERTIFICATE_BYTES)
        except (OutgoingError, UnsafeUrl) as error:
            raise CertificateUnavailable(str(error)) from error
        if answer.status != _OK or answer.truncated:
            raise CertificateUnavailable(f"The certificate's host answered {answer.status}.")
        return answer.body

    return fetch


async def read_body(request: Request, max_bytes: int) -> bytes | None:
    """The body of a request; None where it is longer, of which no more is read."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:18]) > max_bytes:
        return None
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                return None
    except ClientDisconnect:
        return None
    return bytes(body)
