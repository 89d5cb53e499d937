"""Stores blobs in a bucket of S3, or of a store with its interface (conditional writes and SHA-256 checksums included).

The URL: `s3://bucket/prefix?region=eu-west-1`, with `endpoint=https://…` for other stores. Credentials are found as AWS's tools
find them (environment, profile, instance), or are in the URL: `s3://key:secret@bucket`.

Every failure is `StorageUnavailable` within 5.5 s: connecting may take 2 s, a silence 5 s, 3 attempts in all. An attempt whose
answer is lost may have written; the next then fails its own condition. So every write carries an id, and a write whose condition
fails checks whether the stored object has its own. Rejected for that: counting attempts (the HTTP client repeats a write by
itself when a reused connection was closed).

An object's type and disposition are part of a signed URL; nosniff and a sandbox cannot be: a bucket's URL is no origin of ours,
so nothing there runs as this server.
"""

import asyncio
import base64
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, BinaryIO, NoReturn, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

import aioboto3
from aiobotocore.config import AioConfig
from aiohttp import ClientError as ConnectionLost
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from domain.blob import (
    FILE_PART_BYTES,
    MAX_BLOB_BYTES,
    Absent,
    Blob,
    BlobChanged,
    BlobInfo,
    BlobTooLarge,
    ListedBlob,
    Matching,
    UploadTarget,
    WriteCondition,
    require_key,
    require_prefix,
    served_type,
)
from domain.errors import StorageUnavailable
from persistence.blobs.content_disposition import content_disposition

T = TypeVar("T")
CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS, MAX_ATTEMPTS, TIMEOUT_SECONDS = 2.0, 5.0, 3, 5.5
MAX_CONNECTIONS, PAGE_OBJECTS = 32, 500
_WRITE_ID = "write"
_CONDITION_FAILED_CODES = frozenset({"PreconditionFailed", "412", "NoSuchKey", "404"})
_NOT_FOUND_CODES = frozenset({"NoSuchKey", "404", "NotFound"})
_RETRY_CODES = frozenset({"ConditionalRequestConflict", "409"})
logger = logging.getLogger(__name__)


class S3Blobs:
    """Implements `domain.blob.Blobs`."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client, self._bucket, self._prefix = client, bucket, prefix

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator["S3Blobs"]:
        """The bucket at a URL; no request is sent yet."""
        parts = urlsplit(url)
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        endpoint, prefix = asked.get("endpoint"), parts.path.strip("/")
        config = AioConfig(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            retries={"total_max_attempts": MAX_ATTEMPTS, "mode": "standard"},
            max_pool_connections=MAX_CONNECTIONS,
            signature_version="s3v4",
            s3={"addressing_style": "path" if endpoint else "virtual"},
        )
        session = aioboto3.Session(
            aws_access_key_id=parts.username and unquote(parts.username),
            aws_secret_access_key=parts.password and unquote(parts.password),
            region_name=asked.get("region"),
        )
        bucket = parts.netloc.rpartition("@")[2]
        async with session.client("s3", endpoint_url=endpoint, config=config) as client:
            yield cls(client, bucket, f"{prefix}/" if prefix else "")

    async def get(self, key: str, *, limit: int = MAX_BLOB_BYTES) -> Blob | None:
        async def read() -> Blob:
            answer = await self._client.get_object(**self._location(key), ChecksumMode="ENABLED")
            async with answer["Body"] as body:
                if answer["ContentLength"] > limit:
                    raise BlobTooLarge(key)
                return Blob(content=await body.read(), etag=_unquoted(answer["ETag"]), content_type=answer["ContentType"])

        return await _none_if_missing(read())

    async def get_start(self, key: str, size: int) -> bytes | None:
        async def read() -> bytes:
            answer = await self._client.get_object(**self._location(key), Range=f"bytes=0-{size - 1}")
            async with answer["Body"] as body:
                content: bytes = await body.read()
                return content

        try:
            return await _none_if_missing(read())
        except _EmptyRange:
            return b""

    async def get_part(self, key: str, start: int, size: int) -> bytes | None:
        async def read() -> bytes:
            answer = await self._client.get_object(**self._location(key), Range=f"bytes={start}-{start + size - 1}")
            async with answer["Body"] as body:
                content: bytes = await body.read()
                return content

        try:
            return await _none_if_missing(read())
        except _EmptyRange:
            return b""

    async def put_file(self, key: str, file: BinaryIO, *, content_type: str) -> int:
        async def read() -> bytes:
            return await asyncio.to_thread(file.read, FILE_PART_BYTES)

        await asyncio.to_thread(file.seek, 0)
        part = await read()
        if len(part) < FILE_PART_BYTES:
            await self.put(key, part, content_type=content_type)
            return len(part)
        location, size = self._location(key), 0
        parts: list[dict[str, Any]] = []
        upload = await _with_timeout(self._client.create_multipart_upload(**location, ContentType=content_type))
        upload_id = {"UploadId": upload["UploadId"]}
        try:
            while part:
                number, size = len(parts) + 1, size + len(part)
                answer = await _with_timeout(self._client.upload_part(**location, **upload_id, PartNumber=number, Body=part))
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
                part = await read()
            complete = self._client.complete_multipart_upload(**location, **upload_id, MultipartUpload={"Parts": parts})
            await _with_timeout(complete)
        except BaseException:
            with suppress(StorageUnavailable):  # the bucket's own rules delete what is left of it
                await _with_timeout(self._client.abort_multipart_upload(**location, **upload_id))
            raise
        return size

    async def put(
        self, key: str, content: bytes, *, content_type: str = "application/octet-stream", only_if: WriteCondition = None
    ) -> str:
        where = self._location(key)
        write_id = uuid4().hex
        given = {
            "Body": content,
            "ContentType": content_type,
            "ChecksumSHA256": base64.b64encode(hashlib.sha256(content).digest()).decode(),
            "Metadata": {_WRITE_ID: write_id},
        }
        match only_if:
            case Absent():
                given["IfNoneMatch"] = "*"
            case Matching(etag=etag):
                given["IfMatch"] = f'"{etag}"'

        async def write() -> str:
            for attempts_left in (2, 1, 0):
                try:
                    return _unquoted((await self._client.put_object(**where, **given))["ETag"])
                except ClientError as error:
                    if attempts_left and _error_code(error) in _RETRY_CODES:  # two writes at the same moment: neither was stored
                        continue
                    if only_if is None or _error_code(error) not in _CONDITION_FAILED_CODES:
                        raise
                    stored = await self._head(key)
                    if stored is not None and stored["Metadata"].get(_WRITE_ID) == write_id:
                        return _unquoted(stored["ETag"])  # this write: the answer to an earlier attempt was lost
                    raise BlobChanged(key) from None
            raise AssertionError

        return await _with_timeout(write())

    async def head(self, key: str) -> BlobInfo | None:
        answer = await _with_timeout(self._head(key))
        if answer is None:
            return None
        return BlobInfo(
            key=key,
            byte_size=answer["ContentLength"],
            etag=_unquoted(answer["ETag"]),
            content_type=answer["ContentType"],
            sha256=_full_sha256(answer),
        )

    async def delete(self, key: str) -> None:
        await _with_timeout(self._client.delete_object(**self._location(key)))

    async def find(self, prefix: str) -> AsyncIterator[ListedBlob]:
        asked = {"Bucket": self._bucket, "Prefix": f"{self._prefix}{require_prefix(prefix)}", "MaxKeys": PAGE_OBJECTS}
        while True:
            page = await _with_timeout(self._client.list_objects_v2(**asked))
            for each in page.get("Contents", ()):
                key = each["Key"].removeprefix(self._prefix)
                yield ListedBlob(key=key, byte_size=each["Size"], modified_at=each["LastModified"].astimezone(UTC))
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    async def download_url(self, key: str, *, file_name: str, content_type: str, expires_in: int) -> str:
        shown = {
            "ResponseContentType": served_type(content_type),
            "ResponseContentDisposition": content_disposition(file_name, content_type),
        }
        return await self._presign("get_object", {**self._location(key), **shown}, expires_in)

    async def upload_target(
        self, key: str, *, byte_size: int, content_type: str, sha256: str | None, expires_at: datetime
    ) -> UploadTarget:
        given: dict[str, Any] = {"ContentType": content_type, "ContentLength": byte_size, "IfNoneMatch": "*"}
        headers = {"Content-Type": content_type, "If-None-Match": "*"}
        if sha256 is not None:
            headers["x-amz-checksum-sha256"] = given["ChecksumSHA256"] = base64.b64encode(bytes.fromhex(sha256)).decode()
        seconds = max(1, int((expires_at - datetime.now(UTC)).total_seconds()))
        url = await self._presign("put_object", {**self._location(key), **given}, seconds)
        return UploadTarget(url=url, method="PUT", headers=headers, expires_at=expires_at)

    async def _head(self, key: str) -> Mapping[str, Any] | None:
        try:
            answer: Mapping[str, Any] = await self._client.head_object(**self._location(key), ChecksumMode="ENABLED")
        except ClientError as error:
            if _error_code(error) in _NOT_FOUND_CODES:
                return None
            raise
        return answer

    async def _presign(self, operation: str, params: Mapping[str, Any], expires_in: int) -> str:
        url: str = await _with_timeout(self._client.generate_presigned_url(operation, Params=params, ExpiresIn=expires_in))
        return url

    def _location(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}{require_key(key)}"}


class _EmptyRange(Exception):
    """A part of an empty object was requested."""


async def _none_if_missing(reading: Awaitable[T]) -> T | None:
    """The result of reading; None when there is no such object."""

    async def read() -> T | None:
        try:
            return await reading
        except ClientError as error:
            if _error_code(error) in _NOT_FOUND_CODES:
                return None
            if _error_code(error) in ("InvalidRange", "416"):
                raise _EmptyRange from None
            raise

    return await _with_timeout(read())


async def _with_timeout(call: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await call
    except (BotoCoreError, HTTPClientError, ClientError, ConnectionLost, OSError) as error:  # TimeoutError is an OSError
        _raise_unavailable(error)


def _raise_unavailable(error: Exception) -> NoReturn:
    logger.warning("The bucket is unavailable: %s", str(error) or type(error).__name__)
    raise StorageUnavailable from error


def _error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _unquoted(etag: str) -> str:
    return etag.strip('"')


def _full_sha256(answer: Mapping[str, Any]) -> str | None:
    """The SHA-256 of the whole object; for one that was uploaded in parts, S3 has a hash of hashes only."""
    checksum = answer.get("ChecksumSHA256")
    return base64.b64decode(checksum).hex() if checksum and "-" not in checksum else None
