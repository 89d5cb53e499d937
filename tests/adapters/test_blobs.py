"""What every store of blobs promises (`domain.blob`), on each that can run here."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from io import BytesIO
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from domain.blob import ABSENT, FILE_PART_BYTES, BlobChanged, BlobStore, BlobTooLarge, Matching, UploadTarget
from tests.support.blob_stores import BLOB_STORES, OpenBlobStore, seconds_from_now

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
HASH = hashlib.sha256(PNG).hexdigest()
TEXT = "text/plain"


@pytest.fixture(scope="module", params=list(BLOB_STORES))
async def storage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OpenBlobStore]:
    """One store after the other; a real bucket where an address of one is set."""
    async with BLOB_STORES[request.param](tmp_path_factory.mktemp(request.param)) as opened:
        yield opened


@pytest.fixture
def blobs(storage: OpenBlobStore) -> BlobStore:
    return storage.blobs


@pytest.fixture
def key() -> str:
    """A key that nobody used."""
    return f"tests/{uuid4()}/object.json"


async def test_what_was_put_is_what_is_got(blobs: BlobStore, key: str) -> None:
    assert await blobs.get(key) is None
    etag = await blobs.put(key, b"\x00first", content_type="application/json")
    found = await blobs.get(key)
    assert found is not None
    assert (found.content, found.etag, found.content_type) == (b"\x00first", etag, "application/json")
    known = await blobs.head(key)
    assert known is not None
    assert (known.key, known.byte_size, known.etag, known.content_type) == (key, 6, etag, "application/json")
    assert known.sha256 == hashlib.sha256(b"\x00first").hexdigest()
    assert await blobs.get_start(key, 3) == b"\x00fi"
    assert await blobs.get_start(key, 300) == b"\x00first"


async def test_a_part_of_an_object_is_what_lies_there(blobs: BlobStore, key: str) -> None:
    assert await blobs.get_part(key, 0, 10) is None
    await blobs.put(key, b"0123456789")
    for start, size in ((0, 10), (3, 4), (8, 5), (10, 3)):
        assert await blobs.get_part(key, start, size) == b"0123456789"[start : start + size]


@pytest.mark.parametrize("size", [0, 5, FILE_PART_BYTES, FILE_PART_BYTES + 7])
async def test_a_file_is_stored_whole_over_what_was_there(blobs: BlobStore, key: str, size: int) -> None:
    await blobs.put(key, b"before")
    content = (bytes(range(256)) * (size // 256 + 1))[:size]
    file = BytesIO(content)
    file.seek(size)  # wherever it stands
    assert await blobs.put_file(key, file, content_type=TEXT) == size
    known = await blobs.head(key)
    assert known is not None
    assert (known.byte_size, known.content_type) == (size, TEXT)
    found = await blobs.get(key)
    assert found is not None
    assert found.content == content


async def test_an_empty_object_is_an_object(blobs: BlobStore, key: str) -> None:
    await blobs.put(key, b"")
    found = await blobs.get(key)
    assert found is not None
    assert found.content == b""
    assert await blobs.get_start(key, 10) == b""


async def test_a_larger_object_than_wanted_is_not_read(blobs: BlobStore, key: str) -> None:
    await blobs.put(key, b"12345")
    with pytest.raises(BlobTooLarge):
        await blobs.get(key, limit=4)
    assert (await blobs.get(key, limit=5)) is not None


async def test_a_deleted_object_is_gone_and_can_be_deleted_again(blobs: BlobStore, key: str) -> None:
    await blobs.put(key, b"x")
    await blobs.delete(key)
    await blobs.delete(key)
    assert await blobs.get(key) is None
    assert await blobs.head(key) is None
    assert await blobs.get_start(key, 1) is None


async def test_of_twenty_who_write_first_one_wins(blobs: BlobStore, key: str) -> None:
    given = [str(number).encode() for number in range(20)]
    outcomes = await asyncio.gather(*(blobs.put(key, each, only_if=ABSENT) for each in given), return_exceptions=True)
    winners = [content for content, outcome in zip(given, outcomes, strict=True) if isinstance(outcome, str)]
    assert [type(each) for each in outcomes if not isinstance(each, str)] == [BlobChanged] * 19
    found = await blobs.get(key)
    assert found is not None
    assert [found.content] == winners


async def test_of_twenty_who_write_the_same_one_wins(blobs: BlobStore, key: str) -> None:
    outcomes = await asyncio.gather(*(blobs.put(key, b"same", only_if=ABSENT) for _ in range(20)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["BlobChanged"] * 19 + ["str"]


async def test_of_twenty_who_write_over_the_same_content_one_wins(blobs: BlobStore, key: str) -> None:
    before = await blobs.put(key, b"before")
    given = [str(number).encode() for number in range(20)]
    outcomes = await asyncio.gather(*(blobs.put(key, each, only_if=Matching(before)) for each in given), return_exceptions=True)
    winners = [content for content, outcome in zip(given, outcomes, strict=True) if isinstance(outcome, str)]
    assert [type(each) for each in outcomes if not isinstance(each, str)] == [BlobChanged] * 19
    found = await blobs.get(key)
    assert found is not None
    assert [found.content] == winners


async def test_a_condition_that_does_not_hold_changes_nothing(blobs: BlobStore, key: str) -> None:
    with pytest.raises(BlobChanged):
        await blobs.put(key, b"x", only_if=Matching("0123456789abcdef"))
    assert await blobs.get(key) is None
    first = await blobs.put(key, b"first")
    second = await blobs.put(key, b"second", only_if=Matching(first))
    with pytest.raises(BlobChanged):
        await blobs.put(key, b"third", only_if=Matching(first))
    found = await blobs.get(key)
    assert found is not None
    assert (found.content, found.etag) == (b"second", second)


async def test_a_key_may_be_the_beginning_of_another(blobs: BlobStore) -> None:
    top = f"tests/{uuid4()}"
    names = [f"{top}/a", f"{top}/a/b", f"{top}/a-b", f"{top}/ab/c.json"]
    for name in names:
        await blobs.put(name, name.encode())
    assert sorted([each.key async for each in blobs.find(f"{top}/")]) == sorted(names)
    assert sorted([each.key async for each in blobs.find(f"{top}/a/")]) == [f"{top}/a/b"]
    assert sorted([each.key async for each in blobs.find(f"{top}/ab")]) == [f"{top}/ab/c.json"]
    assert [each.byte_size async for each in blobs.find(f"{top}/a-b")] == [len(f"{top}/a-b")]
    assert [each async for each in blobs.find(f"{top}/nothing/")] == []


@pytest.mark.parametrize(
    "bad", ["", "/etc/passwd", "../up", "a/../../up", "a//b", "a/./b", "a/.hidden", "A", "a b", "a\n", "a\x00", "x" * 401]
)
async def test_a_path_that_leads_elsewhere_is_no_key(blobs: BlobStore, bad: str) -> None:
    for call in (blobs.get(bad), blobs.head(bad), blobs.put(bad, b"x"), blobs.delete(bad), blobs.get_start(bad, 1)):
        with pytest.raises(ValueError, match="not a key"):
            await call
    with pytest.raises(ValueError, match="not a key"):
        await blobs.download_url(bad, file_name="x", content_type=TEXT, expires_in=60)
    with pytest.raises(ValueError, match="not a key"):
        await blobs.upload_target(bad, byte_size=1, content_type=TEXT, sha256=None, expires_at=seconds_from_now(60))


async def test_a_signed_address_takes_and_another_gives(storage: OpenBlobStore, key: str) -> None:
    target = await storage.blobs.upload_target(
        key, byte_size=len(PNG), content_type="image/png", sha256=HASH, expires_at=seconds_from_now(60)
    )
    assert (await send_upload(storage, target, PNG)).status_code == 200
    known = await storage.blobs.head(key)
    assert known is not None
    assert (known.byte_size, known.content_type, known.sha256) == (len(PNG), "image/png", HASH)

    url = await storage.blobs.download_url(key, file_name='Café "1".png', content_type="image/png", expires_in=60)
    answer = await storage.http.get(url)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PNG, "image/png")
    assert answer.headers["content-disposition"] == "inline; filename=\"Caf_ _1_.png\"; filename*=UTF-8''Caf%C3%A9%20%221%22.png"
    part = await storage.http.get(url, headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"PNG", f"bytes 1-3/{len(PNG)}")


@pytest.mark.parametrize("active", ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "application/xml"])
async def test_what_could_run_a_script_is_saved_and_never_shown(storage: OpenBlobStore, key: str, active: str) -> None:
    await storage.blobs.put(key, b"<script>alert(1)</script>", content_type=active)
    url = await storage.blobs.download_url(key, file_name="page.html", content_type=active, expires_in=60)
    answer = await storage.http.get(url)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")


async def test_an_address_that_was_changed_is_refused(storage: OpenBlobStore, key: str) -> None:
    other = key.replace("object", "other")
    await storage.blobs.put(key, b"mine")
    await storage.blobs.put(other, b"not yours")
    url = await storage.blobs.download_url(key, file_name="a.txt", content_type=TEXT, expires_in=60)
    assert (await storage.http.get(url)).content == b"mine"
    signature = next(part for part in urlsplit(url).query.split("&") if part.lower().partition("=")[0].endswith("signature"))
    for forged in (
        url.replace("object.json", "other.json"),
        url.replace(signature, signature.partition("=")[0] + "=" + "0" * 43),
        url.replace("a.txt", "a.html"),
        *([] if "unsigned" in storage.unchecked else [url.replace(f"&{signature}", ""), url.partition("?")[0]]),
    ):
        assert forged != url
        assert (await storage.http.get(forged)).status_code == 403
    assert (await storage.http.put(url, content=b"over")).status_code == 403
    found = await storage.blobs.get(key)
    assert found is not None
    assert found.content == b"mine"


@pytest.mark.slow
async def test_an_address_ends(storage: OpenBlobStore, key: str) -> None:
    await storage.blobs.put(key, b"mine")
    url = await storage.blobs.download_url(key, file_name="a.txt", content_type=TEXT, expires_in=1)
    target = await storage.blobs.upload_target(
        f"{key}-2", byte_size=1, content_type=TEXT, sha256=None, expires_at=seconds_from_now(1)
    )
    await asyncio.sleep(2.1)
    assert (await storage.http.get(url)).status_code == 403
    assert (await send_upload(storage, target, b"x")).status_code == 403
    assert await storage.blobs.head(f"{key}-2") is None


@pytest.mark.parametrize(
    ("wrong", "hashed"),
    [
        ("longer", True),
        ("longer", False),
        ("shorter", True),
        ("shorter", False),
        ("other bytes", True),
        ("other type", False),
        ("other key", False),
    ],
)
async def test_an_upload_that_is_not_what_was_signed_leaves_nothing(
    storage: OpenBlobStore, key: str, wrong: str, hashed: bool
) -> None:
    content = b"exactly this"
    sha256 = hashlib.sha256(content).hexdigest() if hashed else None
    target = await storage.blobs.upload_target(
        key, byte_size=len(content), content_type=TEXT, sha256=sha256, expires_at=seconds_from_now(60)
    )
    sent = {"longer": content + b"!", "shorter": content[:-1], "other bytes": content.upper()}.get(wrong, content)
    headers = {**target.headers, **({"Content-Type": "text/html"} if wrong == "other type" else {})}
    url = target.url.replace("object.json", "other.json") if wrong == "other key" else target.url
    answer = await storage.http.put(url, content=sent, headers=headers)
    assert answer.status_code in (400, 403)
    assert await storage.blobs.head(key) is None
    assert await storage.blobs.head(key.replace("object", "other")) is None
    assert (await send_upload(storage, target, content)).status_code == 200


async def test_an_address_takes_one_upload(storage: OpenBlobStore, key: str) -> None:
    target = await storage.blobs.upload_target(key, byte_size=2, content_type=TEXT, sha256=None, expires_at=seconds_from_now(60))
    assert (await send_upload(storage, target, b"ok")).status_code == 200
    assert (await send_upload(storage, target, b"no")).status_code == 412
    found = await storage.blobs.get(key)
    assert found is not None
    assert found.content == b"ok"


async def send_upload(storage: OpenBlobStore, target: UploadTarget, content: bytes) -> httpx.Response:
    """Do what an upload's target says."""
    return await storage.http.request(target.method, target.url, content=content, headers=dict(target.headers))
