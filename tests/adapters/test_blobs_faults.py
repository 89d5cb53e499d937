"""Stores of blobs that fail: a server that errs, hangs or hangs up, a disk that errs, and processes that are killed while they
write."""

import asyncio
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from domain.blob import ABSENT, BlobStore, Matching
from domain.errors import StorageUnavailable
from embedded.child_process import tied_to_parent
from persistence.blobs.local import LocalBlobs
from persistence.blobs.s3 import S3Blobs
from tests.support.blob_stores import OpenBlobStore, ministack_store
from tests.support.machine import allowed_seconds

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
Calls = list[tuple[str, Callable[[BlobStore], Awaitable[object]]]]
CALLS: Calls = [
    ("get", lambda blobs: blobs.get("a/b")),
    ("get_start", lambda blobs: blobs.get_start("a/b", 10)),
    ("get_part", lambda blobs: blobs.get_part("a/b", 5, 10)),
    ("put", lambda blobs: blobs.put("a/b", b"x", only_if=ABSENT)),
    ("head", lambda blobs: blobs.head("a/b")),
    ("delete", lambda blobs: blobs.delete("a/b")),
    ("find", lambda blobs: _first(blobs)),
]
_BODY = b"<Error><Code>InternalError</Code><Message>We are sorry.</Message></Error>"
_RESPONSES = {
    "errs": b"HTTP/1.1 500 Oh\r\ncontent-type: application/xml\r\ncontent-length: %d\r\n\r\n%s" % (len(_BODY), _BODY),
    "ends in the middle": b'HTTP/1.1 200 OK\r\netag: "x"\r\ncontent-type: text/plain\r\ncontent-length: 999\r\n\r\nhalf',
    "hangs up": b"",
}


async def _first(blobs: BlobStore) -> object:
    return await anext(blobs.find("a/"), None)


@asynccontextmanager
async def failing_bucket(failure: str) -> AsyncIterator[S3Blobs]:
    """A bucket on a server that fails in one way."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            if failure == "hangs":
                await asyncio.sleep(60)
            writer.write(_RESPONSES[failure])
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort() if failure == "hangs up" else writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with S3Blobs.open(f"s3://key:secret@bucket?region=eu-west-1&endpoint=http://127.0.0.1:{port}") as blobs:
            yield blobs
    finally:
        server.close()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["errs", "hangs up", "ends in the middle"])
async def test_a_bucket_that_fails_is_unavailable_within_6_seconds(how: str) -> None:
    async with failing_bucket(how) as blobs:
        began = time.monotonic()
        outcomes = await asyncio.gather(*(call(blobs) for _, call in CALLS), return_exceptions=True)
        assert time.monotonic() - began < allowed_seconds(6.0)
    results = {name: type(outcome) for (name, _), outcome in zip(CALLS, outcomes, strict=True)}
    # A HEAD has no body, and what was deleted or put was answered in whole: only who reads the body finds that it ends early.
    expected = {"get", "get_start", "get_part", "find"} if how == "ends in the middle" else {name for name, _ in CALLS}
    assert {name for name in results if results[name] is StorageUnavailable} >= expected


@pytest.mark.slow
async def test_a_bucket_that_hangs_is_unavailable_within_6_seconds() -> None:
    async with failing_bucket("hangs") as blobs:
        began = time.monotonic()
        outcomes = await asyncio.gather(*(call(blobs) for _, call in CALLS), return_exceptions=True)
        assert time.monotonic() - began < allowed_seconds(6.0)
    assert [type(each) for each in outcomes] == [StorageUnavailable] * len(CALLS)


@pytest.mark.slow
async def test_a_bucket_that_nobody_serves_is_unavailable() -> None:
    async with S3Blobs.open("s3://key:secret@bucket?region=eu-west-1&endpoint=http://127.0.0.1:9") as blobs:
        outcomes = await asyncio.gather(*(call(blobs) for _, call in CALLS), return_exceptions=True)
    assert [type(each) for each in outcomes] == [StorageUnavailable] * len(CALLS)


async def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    async with LocalBlobs.open(tmp_path / "blobs", secret=b"s" * 32, origin="http://files.test") as blobs:
        await blobs.put("a/b", b"before")
        (tmp_path / "blobs" / "locks").rename(tmp_path / "away")
        with pytest.raises(StorageUnavailable):
            await blobs.put("a/b", b"after")
        (tmp_path / "away").rename(tmp_path / "blobs" / "locks")
        found = await blobs.get("a/b")
        assert found is not None
        assert found.content == b"before"


async def test_an_object_that_the_disk_damaged_is_not_given_out(tmp_path: Path) -> None:
    async with LocalBlobs.open(tmp_path, secret=b"s" * 32, origin="http://files.test") as blobs:
        for damage in (slice(-1, None), slice(0, 1)):
            await blobs.put("a/b", b"content")
            file = tmp_path / "objects" / "a" / "b="
            content = bytearray(file.read_bytes())
            content[damage] = b"?"
            file.write_bytes(content)
            with pytest.raises(StorageUnavailable):
                await blobs.get("a/b")


COUNTER_PROGRAM = """
import asyncio, sys
from pathlib import Path
from domain.blob import ABSENT, BlobChanged, Matching
from persistence.blobs.local import LocalBlobs

async def main(folder, times):
    async with LocalBlobs.open(Path(folder), secret=b"s" * 32, origin="http://files.test") as blobs:
        while times:
            there = await blobs.get("count")
            try:
                given = str(int(there.content) + 1 if there else 1).encode()
                await blobs.put("count", given.ljust(200_000), only_if=Matching(there.etag) if there else ABSENT)
                times -= 1
                print(".", flush=True)
            except BlobChanged:
                pass

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def start_counter(folder: Path, times: int) -> "subprocess.Popen[bytes]":
    """A process that adds 1 to a number, again and again, over what it read."""
    command = tied_to_parent([sys.executable, "-c", COUNTER_PROGRAM, str(folder), str(times)])
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True)


async def test_of_processes_that_count_together_none_overwrites_another(tmp_path: Path) -> None:
    processes = [start_counter(tmp_path, 50) for _ in range(3)]
    assert [await asyncio.to_thread(each.wait, 30) for each in processes] == [0, 0, 0]
    for each in processes:
        each.communicate()
    assert await read_counter(tmp_path) == 150


async def test_a_process_that_is_killed_leaves_a_whole_object_and_no_lock(tmp_path: Path) -> None:
    results = 0
    for pause in (0.0, 0.003, 0.006):
        process = start_counter(tmp_path, 1_000_000)
        assert process.stdout is not None
        for _ in range(5):
            await asyncio.to_thread(process.stdout.readline)
        await asyncio.sleep(pause)
        process.send_signal(signal.SIGKILL)
        rest, _ = await asyncio.to_thread(process.communicate)
        results += 5 + rest.count(b".")
        # What was told as written is there; at most one write more, that nobody lived to tell of.
        assert results <= await read_counter(tmp_path) <= results + 1
        results = await read_counter(tmp_path)
        async with LocalBlobs.open(tmp_path, secret=b"s" * 32, origin="http://files.test") as blobs:
            there = await blobs.get("count")
            assert there is not None
            await blobs.put("count", there.content, only_if=Matching(there.etag))


async def read_counter(folder: Path) -> int:
    """What the processes have counted to."""
    async with LocalBlobs.open(folder, secret=b"s" * 32, origin="http://files.test") as blobs:
        found = await blobs.get("count")
    assert found is not None
    assert len(found.content) == 200_000
    return int(found.content)


async def test_a_write_whose_answer_was_lost_is_no_conflict(tmp_path: Path) -> None:
    """The first attempt arrives and its answer does not: the second meets the first's object, and knows it as its own."""
    async with ministack_store(tmp_path) as storage, bucket_losing_first_answer(storage) as blobs:
        etag = await blobs.put("lost/one", b"mine", only_if=ABSENT)
        found = await storage.blobs.get("lost/one")
    assert found is not None
    assert (found.content, found.etag) == (b"mine", etag)


@asynccontextmanager
async def bucket_losing_first_answer(storage: OpenBlobStore) -> AsyncIterator[S3Blobs]:
    """The same bucket through a proxy that hangs up instead of giving the first answer to a write."""
    assert isinstance(storage.blobs, S3Blobs)
    upstream = httpx.URL(storage.blobs._client.meta.endpoint_url)
    lost: list[bytes] = []

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert upstream.port is not None
        there_reader, there_writer = await asyncio.open_connection(upstream.host, upstream.port)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            results = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in head.split(b"\r\n"))}
            if b"expect" in results:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            there_writer.write(re.sub(rb"(?i)\r\nexpect:[^\r]*", b"", head))
            there_writer.write(await reader.readexactly(int(results.get(b"content-length", b"0"))))
            answer = await there_reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"PUT") and not lost:
                lost.append(answer)
                return
            writer.write(answer)
            while piece := await asyncio.wait_for(there_reader.read(65536), 1):
                writer.write(piece)
        except (TimeoutError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort() if len(lost) == 1 and not writer.is_closing() else writer.close()
            there_writer.close()
            lost.append(b"")

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        url = storage.url.partition("&endpoint=")[0]
        async with S3Blobs.open(f"{url}&endpoint=http://127.0.0.1:{port}") as blobs:
            yield blobs
    finally:
        server.close()
