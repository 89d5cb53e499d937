"""Serves the URLs of the local store over HTTP: `GET /blobs/{key}` downloads a file, `PUT` uploads one; both need a valid
signature.

A file that a user uploaded is never a page of this origin: only types that cannot run a script are shown inline, all others are
saved, nothing is sniffed, and the content is sandboxed (PDF is not: viewers refuse sandboxed ones, and run in no origin).

An upload becomes visible when its last byte has arrived and size, type and hash are what was signed; before that it is invisible,
and however it ends early, nothing remains. It is bounded: by the signed size, by 30 s between two chunks, by 64 KiB a second on
average, by one attempt at a time for each URL, by 256 uploads at a time in a process (a user can have a hundred URLs, see
`domain.upload`).
"""

import asyncio
import os
import re
import time
from dataclasses import dataclass, field
from functools import partial

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from domain.blob import ABSENT, BlobChanged, BlobInfo, plain_type, require_key, served_type
from domain.errors import StorageFull, StorageUnavailable
from persistence.blobs.content_disposition import content_disposition
from persistence.blobs.file_store import HEADER_BYTES, PendingFile
from persistence.blobs.local import LocalBlobs
from persistence.blobs.signed_urls import PATH

CHUNK_BYTES = 256 * 1024
CHUNK_TIMEOUT_SECONDS = 30.0
MIN_UPLOAD_BYTES_PER_SECOND = 64 * 1024
MAX_UPLOADS = 256
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_COMMON_HEADERS = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_PREFLIGHT_HEADERS = {
    **_COMMON_HEADERS,
    "Access-Control-Allow-Methods": "GET, HEAD, PUT",
    "Access-Control-Allow-Headers": "content-type, range, if-range, if-none-match",
    "Access-Control-Max-Age": "86400",
}


class _HttpError(Exception):
    """The request is answered with an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def blob_routes(
    blobs: LocalBlobs,
    *,
    chunk_timeout_seconds: float = CHUNK_TIMEOUT_SECONDS,
    min_bytes_per_second: float = MIN_UPLOAD_BYTES_PER_SECOND,
) -> list[BaseRoute]:
    """The routes over an open store."""
    endpoint = _Endpoint(blobs, chunk_timeout_seconds, min_bytes_per_second)

    async def answer(request: Request) -> Response:
        try:
            match request.method:
                case "PUT":
                    return await endpoint.upload(request)
                case "OPTIONS":
                    return Response(status_code=204, headers=_PREFLIGHT_HEADERS)
                case _:
                    return await endpoint.download(request)
        except _HttpError as refused:
            return _error_response(refused.status, refused.code, str(refused))
        except StorageFull as error:
            return _error_response(507, error.code, error.message)
        except StorageUnavailable as error:
            return _error_response(503, error.code, error.message)

    return [Route(f"{PATH}/{{key:path}}", answer, methods=["GET", "HEAD", "PUT", "OPTIONS"])]


@dataclass(frozen=True, slots=True)
class _Endpoint:
    blobs: LocalBlobs
    chunk_timeout_seconds: float
    min_bytes_per_second: float
    uploading: set[str] = field(default_factory=set)

    async def download(self, request: Request) -> Response:
        """The file, or the requested part of it."""
        key, params = self._verify(request, "GET")
        found = await self.blobs.run(lambda: self.blobs.file_store.open(key))
        if found is None:
            raise _HttpError(404, "NOT_FOUND", "Not found.")
        try:
            return _FileResponse(self.blobs, *found, request, params)
        except BaseException:
            os.close(found[0])
            raise

    async def upload(self, request: Request) -> Response:
        """Receive a file, and answer when it is durable."""
        key, params = self._verify(request, "PUT")
        length = request.headers.get("content-length", params["size"])
        if length != params["size"]:
            raise _HttpError(400, "INVALID", f"Send exactly {params['size']} bytes.")
        if request.headers.get("content-type", "") != params["type"]:
            raise _HttpError(400, "INVALID", f"Send the file as {params['type']}.")
        if key in self.uploading or len(self.uploading) >= MAX_UPLOADS:
            raise _HttpError(503, "OVERLOADED", "This file, or too many others, are being uploaded; try again later.")
        self.uploading.add(key)
        try:
            pending = await self.blobs.run(self.blobs.file_store.create_pending)
            try:
                await self._receive(request, pending, int(params["size"]))
                if params["sha256"] not in ("", pending.sha256):
                    raise _HttpError(400, "INVALID", "The bytes do not have the announced SHA-256.")
                etag = await self.blobs.run(lambda: pending.commit(key, params["type"], ABSENT))
            except BlobChanged:
                raise _HttpError(412, "CONFLICT", "The file has been uploaded already.") from None
            finally:
                self.blobs.run_detached(pending.close)
        finally:
            self.uploading.discard(key)
        return Response(status_code=200, headers={**_COMMON_HEADERS, "ETag": f'"{etag}"'})

    async def _receive(self, request: Request, pending: PendingFile, size: int) -> None:
        stream, now = request.stream(), asyncio.get_running_loop().time
        end = now() + self.chunk_timeout_seconds + size / self.min_bytes_per_second
        try:
            while True:
                async with asyncio.timeout_at(min(now() + self.chunk_timeout_seconds, end)):
                    chunk = await anext(stream, None)
                if chunk is None:
                    break
                if pending.byte_size + len(chunk) > size:
                    raise _HttpError(400, "INVALID", f"Send exactly {size} bytes.")
                await self.blobs.run(partial(pending.write, chunk))
        except TimeoutError:
            raise _HttpError(408, "INVALID", "The file was sent too slowly.") from None
        except ClientDisconnect:
            raise _HttpError(400, "INVALID", "The connection ended early.") from None
        if pending.byte_size != size:
            raise _HttpError(400, "INVALID", f"Send exactly {size} bytes.")

    def _verify(self, request: Request, method: str) -> tuple[str, dict[str, str]]:
        """The key and the signed parameters; refuses a URL that this server did not sign, or not for this method."""
        params = dict(request.query_params)
        try:
            key = require_key(request.path_params["key"])
        except ValueError:
            key = ""
        if not self.blobs.url_signer.verify(method, key, params) or not key:
            raise _HttpError(403, "FORBIDDEN", "This URL is not valid, or has expired.")
        return key, params


class _FileResponse(Response):
    """An object's bytes, or a part of them, read while they are sent. It owns the open file."""

    def __init__(self, blobs: LocalBlobs, descriptor: int, info: BlobInfo, request: Request, query: dict[str, str]) -> None:
        etag = f'"{info.etag}"'
        asked = request.headers.get("range") if request.headers.get("if-range", etag) == etag else None
        self._start, self._end, partly = _byte_range(asked, info.byte_size)
        headers = {
            **_COMMON_HEADERS,
            "Content-Type": served_type(query["type"]),
            "Content-Disposition": content_disposition(query["name"], query["type"]),
            "Content-Security-Policy": _content_security_policy(query["type"]),
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Cache-Control": f"private, max-age={max(int(query['expires']) - int(time.time()), 0)}, immutable",
            "Accept-Ranges": "bytes",
            "ETag": etag,
        }
        known = etag in request.headers.get("if-none-match", "")
        if not known:
            headers["Content-Length"] = str(self._end - self._start)
        if partly:
            headers["Content-Range"] = f"bytes {self._start}-{self._end - 1}/{info.byte_size}"
        super().__init__(status_code=304 if known else 206 if partly else 200, headers=headers)
        self._is_bodyless = known or request.method == "HEAD"
        self._blobs, self._descriptor = blobs, descriptor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and close the file."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            at = self._end if self._is_bodyless else self._start
            while at < self._end:
                piece = await self._blobs.run(
                    partial(os.pread, self._descriptor, min(CHUNK_BYTES, self._end - at), HEADER_BYTES + at)
                )
                if not piece:
                    raise StorageUnavailable  # closes the connection: the client sees that bytes are missing
                at += len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            os.close(self._descriptor)


def _byte_range(range_header: str | None, size: int) -> tuple[int, int, bool]:
    """The requested bytes, as start and end, and whether they are a part; a request for several parts is answered with all
    bytes."""
    found = _RANGE.fullmatch(range_header.strip()) if range_header is not None else None
    if found is None or found.group(0) == "bytes=-":
        return 0, size, False
    first, last = found.groups()
    start, end = (int(first), min(int(last or size), size - 1) + 1) if first else (max(size - int(last), 0), size)
    if start >= end:
        raise _HttpError(416, "INVALID", f"The file has {size} bytes.")
    return start, end, True


def _content_security_policy(content_type: str) -> str:
    rules = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'"
    return rules if plain_type(content_type) == "application/pdf" else f"{rules}; sandbox"


def _error_response(status: int, code: str, message: str) -> Response:
    body = orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})
    return Response(body, status_code=status, media_type="application/json", headers=_COMMON_HEADERS)
