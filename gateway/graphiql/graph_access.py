"""What the page's endpoints need of the graph: who asks, whether they may read the schema, and the executor that knows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from domain.errors import DomainError
from gateway.execution.errors import FormattedError, coded_error, format_errors
from gateway.execution.executor import Executor
from gateway.http.credentials import CredentialVerifier
from gateway.http.ports import MayIntrospect

JSON_HEADERS = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}


class SchemaRefused(Exception):
    """The caller may not read the schema; `errors` are worded as the graph's."""

    def __init__(self, errors: Sequence[FormattedError]) -> None:
        super().__init__()
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphAccess:
    """The executor of the graph, with the rules of who may ask it."""

    executor: Executor
    credentials: CredentialVerifier
    may_introspect: MayIntrospect

    async def authenticate_reader(self, request: Request) -> Any:
        """The credentials of somebody who may read the schema; None for a stranger. Raises `SchemaRefused`."""
        try:
            credentials = await self.credentials.authenticate(request.headers.get("authorization"))
        except DomainError as error:
            raise SchemaRefused(format_errors(error)) from error
        if not self.may_introspect(credentials):
            raise SchemaRefused([coded_error("Sign in to read the schema.", "UNAUTHENTICATED")])
        return credentials


def errors_response(status: int, errors: Sequence[FormattedError]) -> Response:
    """Errors as the graph words them."""
    return Response(orjson.dumps({"errors": errors}), status_code=status, media_type="application/json", headers=JSON_HEADERS)
