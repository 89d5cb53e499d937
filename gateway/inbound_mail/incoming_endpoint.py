"""Takes mails from a mail server (`/mail/incoming`): the message as the body, its recipients as `?recipient=…`, and the secret of
`HIVE_INCOMING_MAIL_SECRET` as a Bearer token.

A mail that is no comment is answered with 200 as well, and why: the server is not to send it again, nor to answer it.
"""

import hmac
from typing import Final

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from domain.errors import Unavailable
from gateway.inbound_mail.replies import ReplyReceiver
from gateway.inbound_mail.sns_endpoint import read_body
from mail.incoming import MAX_MAIL_BYTES

PATH: Final = "/mail/incoming"
_MAX_RECIPIENTS: Final = 50


class IncomingMailEndpoint:
    """The endpoint. It is there only where a secret is set."""

    def __init__(self, receiver: ReplyReceiver, secret: SecretStr) -> None:
        self._receiver = receiver
        self._expected = f"Bearer {secret.get_secret_value()}".encode()

    def routes(self) -> list[BaseRoute]:
        """The route that a mail server posts to."""
        return [Route(PATH, self._receive, methods=["POST"])]

    async def _receive(self, request: Request) -> Response:
        given = request.headers.get("authorization", "").encode("latin-1")
        if not hmac.compare_digest(given, self._expected):
            return JSONResponse({"reason": "The secret is not right."}, 401, {"WWW-Authenticate": "Bearer"})
        content = await read_body(request, MAX_MAIL_BYTES)
        if content is None:
            return JSONResponse({"accepted": False, "reason": "The mail is too large."}, 413)
        try:
            outcome = await self._receiver.receive(content, request.query_params.getlist("recipient")[:_MAX_RECIPIENTS])
        except Unavailable:
            return JSONResponse({"reason": "Deliver it again later."}, 503, {"Retry-After": "60"})
        return JSONResponse({"accepted": outcome.accepted, "reason": outcome.reason})
