"""Computes what an operation would cost, without running it."""

import asyncio
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.execution.errors import coded_error
from gateway.execution.executor import OperationRequest, OperationResult
from gateway.graphiql.graph_access import JSON_HEADERS, GraphAccess, SchemaRefused, errors_response
from gateway.http.body import read_body, request_timeout
from gateway.http.request import BadRequest, check_body_type, from_body
from gateway.http.request_info import client_ip
from gateway.http.request_watchdog import ClientDisconnected

_MAX_BODY_BYTES = 128 * 1024
_BODY_TIMEOUT_SECONDS = 10.0


class CostEndpoint:
    """The ASGI application behind `/graphiql/cost`.

    Takes a request as the graph does, answers `{"cost": 812, "limit": 5000}`. The cost is null where the operation has errors,
    which the graph words.
    """

    def __init__(self, graph: GraphAccess) -> None:
        self._graph = graph

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._respond(Request(scope), receive)
        except ClientDisconnected:
            return
        except BadRequest as error:
            response = errors_response(error.status, [coded_error(error.message, error.code)])
        except SchemaRefused as refused:
            response = errors_response(401, refused.errors)
        await response(scope, receive, send)

    async def _respond(self, request: Request, receive: Receive) -> Response:
        headers = dict(request.scope["headers"])
        check_body_type(headers.get(b"content-type"), headers.get(b"content-encoding"))
        try:
            async with asyncio.timeout(_BODY_TIMEOUT_SECONDS):
                body = await read_body(headers, receive, _MAX_BODY_BYTES)
        except TimeoutError:
            raise request_timeout() from None
        credentials = await self._graph.authenticate_reader(request)
        cost = await self._cost(from_body(body), credentials, client_ip(request.scope))
        content = orjson.dumps({"cost": cost, "limit": self._graph.executor.limits.cost})
        return Response(content, media_type="application/json", headers=JSON_HEADERS)

    async def _cost(self, request: OperationRequest, credentials: Any, ip: str | None) -> int | None:
        executor = self._graph.executor
        prepared = executor.prepare_known(request)
        if prepared is None:
            prepared = await executor.prepare_in_turn(
                request,
                owner=self._graph.credentials.session_stream(credentials) or ip,
                parsing_budget=None if credentials is not None else executor.parsing_budgets.of(ip),
            )
        if not isinstance(prepared, OperationResult):
            return prepared.cost
        extensions = prepared.errors[0]["extensions"]
        return int(extensions["actual"]) if extensions.get("of") == "cost" else None
