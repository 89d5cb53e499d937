"""The addresses of the local store: uploads that go wrong, and what a browser is told."""

import asyncio
import errno
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.errors import StorageFull
from tests.support.blob_stores import local_store, seconds_from_now
from tests.support.machine import allowed_seconds


async def test_an_upload_whose_connection_ends_leaves_nothing(tmp_path: Path) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    async with local_store(tmp_path) as storage:
        target = await storage.blobs.upload_target(
            "a/b", byte_size=8, content_type="text/plain", sha256=None, expires_at=seconds_from_now(60)
        )
        with pytest.raises(ConnectionResetError):
            await storage.http.put(target.url, content=half(), headers=dict(target.headers))
        await asyncio.sleep(0.1)
        assert await storage.blobs.head("a/b") is None
        assert list((tmp_path / "incoming").iterdir()) == []
        answer = await storage.http.put(target.url, content=b"12345678", headers=dict(target.headers))
        assert answer.status_code == 200


async def test_an_upload_that_stalls_is_given_up(tmp_path: Path) -> None:
    async def stalling() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.sleep(5)

    async with local_store(tmp_path, chunk_timeout_seconds=0.2) as storage:
        target = await storage.blobs.upload_target(
            "a/b", byte_size=8, content_type="text/plain", sha256=None, expires_at=seconds_from_now(60)
        )
        answer = await storage.http.put(target.url, content=stalling(), headers=dict(target.headers))
        assert answer.status_code == 408
        assert await storage.blobs.head("a/b") is None


async def test_an_upload_that_trickles_is_given_up(tmp_path: Path) -> None:
    async def trickling() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"x"
            await asyncio.sleep(0.02)

    async with local_store(tmp_path, chunk_timeout_seconds=0.2, min_bytes_per_second=10_000) as storage:
        target = await storage.blobs.upload_target(
            "a/b", byte_size=1000, content_type="text/plain", sha256=None, expires_at=seconds_from_now(60)
        )
        began = time.monotonic()
        answer = await storage.http.put(target.url, content=trickling(), headers=dict(target.headers))
        assert (answer.status_code, await storage.blobs.head("a/b")) == (408, None)
        assert time.monotonic() - began < allowed_seconds(2.0)


async def test_a_full_disk_is_reported_as_such_and_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with local_store(tmp_path) as storage:
        await storage.blobs.put("a/b", b"before")
        target = await storage.blobs.upload_target(
            "c", byte_size=1, content_type="text/plain", sha256=None, expires_at=seconds_from_now(60)
        )
        with monkeypatch.context() as patched:
            patched.setattr("persistence.blobs.file_store.os.fsync", full)
            with pytest.raises(StorageFull):
                await storage.blobs.put("a/b", b"after")
            answer = await storage.http.put(target.url, content=b"x", headers=dict(target.headers))
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (507, "STORAGE_FULL")
        found = await storage.blobs.get("a/b")
        assert found is not None
        assert found.content == b"before"
        await asyncio.sleep(0.05)
        assert [await storage.blobs.head("c"), *(tmp_path / "incoming").iterdir()] == [None]


async def test_a_file_is_never_a_page_of_this_origin(tmp_path: Path) -> None:
    async with local_store(tmp_path) as storage:
        await storage.blobs.put("a/b", b"hello", content_type="text/plain")
        url = await storage.blobs.download_url("a/b", file_name="a.txt", content_type="text/plain", expires_in=60)
        answer = await storage.http.get(url)
        policy = answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert policy.startswith("default-src 'none'")
        assert policy.endswith("sandbox")
        assert (await storage.http.get(url, headers={"If-None-Match": answer.headers["etag"]})).status_code == 304
        assert (await storage.http.head(url)).headers["content-length"] == "5"
        assert (await storage.http.get(url, headers={"Range": "bytes=-2"})).content == b"lo"
        assert (await storage.http.get(url, headers={"Range": "bytes=9-"})).status_code == 416
        preflight = await storage.http.options(
            url, headers={"Origin": "https://app.test", "Access-Control-Request-Method": "PUT"}
        )
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")
