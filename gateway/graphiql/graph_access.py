"""What the page's endpoints need of the graph: who asks, whether they may read the schema, and the executor that knows it."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import Response

from domain.errors import DomainError
from gateway.execution.errors import FormattedError, coded_error, format_errors
from gateway.execution.executor import Executor
from gateway.http.ports import Authenticate, MayIntrospect

JSON_HEADERS = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphAccess:
    """The executor of the graph, with the rules of who may ask it."""

    executor: Executor
    authenticate: Authenticate
    may_introspect: MayIntrospect

    async def refuse(self, request: Request) -> Response | None:
        """The answer to somebody who may not read the schema; None for everybody else."""
        try:
            credentials = await self.authenticate(request.headers.get("authorization"))
        except DomainError as error:
            return errors_response(401, format_errors(error))
        if self.may_introspect(credentials):
            return None
        return errors_response(401, [coded_error("Sign in to read the schema.", "UNAUTHENTICATED")])


def errors_response(status: int, errors: Sequence[FormattedError]) -> Response:
    """Errors as the graph words them."""
    return Response(orjson.dumps({"errors": errors}), status_code=status, media_type="application/json", headers=JSON_HEADERS)
