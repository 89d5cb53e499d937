"""Reads OAuth requests: forms and query strings in which no parameter comes twice."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from starlette.requests import ClientDisconnect, Request

MAX_FORM_BYTES: Final = 16 * 1024
_MAX_PARAMETERS: Final = 50
_BODY_TIMEOUT_SECONDS: Final = 10.0
_REPEATABLE: Final = frozenset({"resource"})  # RFC 8707

Parameters = Sequence[tuple[str, str]]


class _Payload(OAuth2Payload):
    """The parameters of a request, by name."""

    def __init__(self, parameters: Parameters) -> None:
        self._datalist: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in parameters:
            self._datalist[name].append(value)
        self._data = {name: values[0] for name, values in self._datalist.items()}

    @property
    def data(self) -> dict[str, str]:
        return self._data

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._datalist


class ParsedRequest(OAuth2Request):
    """A request as Authlib's grants read it. `uri` is the public address, so that TLS may end at a proxy."""

    def __init__(self, method: str, uri: str, parameters: Parameters, headers: Mapping[str, str]) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload: _Payload = _Payload(parameters)

    @property
    def args(self) -> dict[str, str]:
        return self.payload.data

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data

    @property
    def resources(self) -> list[str]:
        """The resource indicators (RFC 8707)."""
        return self.payload.datalist.get("resource", [])


async def read_form(request: Request) -> Parameters:
    """The parameters of a form. Raises InvalidRequestError."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise InvalidRequestError("Send application/x-www-form-urlencoded.")
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_FORM_BYTES:
                    raise InvalidRequestError("The form is too long.")
    except (TimeoutError, ClientDisconnect) as error:
        raise InvalidRequestError("The form did not arrive.") from error
    return parse_parameters(bytes(body))


def parse_parameters(encoded: bytes) -> Parameters:
    """The parameters of a form or query string. Raises InvalidRequestError for what is malformed, or comes twice."""
    try:
        parameters = parse_qsl(encoded.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError as error:
        raise InvalidRequestError("The parameters cannot be read.") from error
    names = [name for name, _ in parameters if name not in _REPEATABLE]
    if len(names) > len(set(names)):
        raise InvalidRequestError("A parameter comes more than once.")
    if any("\x00" in value for _, value in parameters):
        raise InvalidRequestError("A parameter holds a NUL character.")
    return [(name, value) for name, value in parameters if value]  # an empty value is an omitted one (RFC 6749, section 3.1)
