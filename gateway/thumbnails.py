"""Serves thumbnails of pictures: `GET /thumbnails/{id}/{name}` with a signature, which is made of who may see the picture.

A URL holds as long as that of a file: whoever has it needs no token. The bytes are small, so they pass here rather than by a
redirect to the bucket, which would cost every picture of a list a second request.
"""

import time
from typing import Final
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from domain.errors import Unavailable
from domain.picture import THUMBNAIL_TYPE, parse_thumbnail_name
from persistence.blobs.signed_urls import UrlSigner
from persistence.thumbnails import Thumbnails

THUMBNAILS_PATH: Final = "/thumbnails"
_RETRY_AFTER_SECONDS: Final = 2
_HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ThumbnailEndpoint:
    """The route, over open services."""

    def __init__(self, thumbnails: Thumbnails, signer: UrlSigner) -> None:
        self._thumbnails, self._signer = thumbnails, signer

    def routes(self) -> list[BaseRoute]:
        """The route of all thumbnails."""
        return [Route(THUMBNAILS_PATH + "/{attachment_id:uuid}/{name}", self._get, methods=["GET"])]

    async def _get(self, request: Request) -> Response:
        attachment_id: UUID = request.path_params["attachment_id"]
        name: str = request.path_params["name"]
        query = dict(request.query_params)
        thumbnail = parse_thumbnail_name(name)
        if thumbnail is None or not self._signer.verify("GET", f"{attachment_id}/{name}", query):
            return _error(403, "FORBIDDEN", "This URL is not valid, or has expired.")
        try:
            found = await self._thumbnails.get(attachment_id, *thumbnail)
        except Unavailable as error:
            return _error(503, error.code, error.message, {"Retry-After": str(_RETRY_AFTER_SECONDS)})
        if found is None:
            return _error(404, "NOT_FOUND", "There is no such picture, or it cannot be shown.")
        etag = f'"{found.etag}"'
        seconds = max(int(query["expires"]) - int(time.time()), 0)
        headers = {**_HEADERS, "Cache-Control": f"private, max-age={seconds}, immutable", "ETag": etag}
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(found.content, media_type=THUMBNAIL_TYPE, headers=headers)


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    body = orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})
    all_headers = {**_HEADERS, "Cache-Control": "no-store", **(headers or {})}
    return Response(body, status_code=status, media_type="application/json", headers=all_headers)
