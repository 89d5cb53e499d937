"""Thumbnails are made once, of whatever is uploaded, within bounds, for who may see the picture, and go with it."""

import asyncio
import os
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette

from content import picture
from domain.blob import attachment_key
from domain.errors import Overloaded
from domain.picture import EDGES_PIXELS, ThumbnailShape, thumbnail_key
from gateway.thumbnails import ThumbnailEndpoint
from persistence import thumbnails as module
from persistence.blob_cleanup import clean_up_blobs
from persistence.blobs.local import LocalBlobs
from persistence.documents.worker_pool import WorkerPool
from persistence.thumbnails import RETRY_SECONDS, UNREADABLE_TYPE, WORKER_MEMORY_BYTES, Thumbnails
from tests.support.app import App, Person
from tests.support.graph_actions import create_task, mutate_ok
from tests.support.hostile_pictures import encoded, hostile_pictures
from tests.support.teams import SampleTeam, uuid_of
from tests.support.uploads import PNG, upload_file

FIT, SQUARE = ThumbnailShape.FIT, ThumbnailShape.SQUARE
THUMBNAIL_URL_QUERY = (
    "query ($id: ID!, $size: Int, $seconds: Int) "
    "{ node(id: $id) { ... on Attachment { thumbnailUrl(size: $size, expiresIn: $seconds) } } }"
)


async def upload_picture(
    app: App, person: Person, content: bytes = PNG, content_type: str = "image/png", /, **fields: Any
) -> UUID:
    """The id of a picture that is ready."""
    return uuid_of((await upload_file(app, person, content, contentType=content_type, **fields))["id"])


async def get_url(app: App, url: str, **headers: str) -> httpx.Response:
    """What a URL of a thumbnail answers."""
    resources = app.resources
    routes = ThumbnailEndpoint(resources.thumbnails, resources.services.thumbnail_urls).routes()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Starlette(routes=routes))) as http:
        return await http.get(url, headers=headers)


def decoded(content: bytes) -> Image.Image:
    """A thumbnail."""
    with Image.open(BytesIO(content), formats=["WEBP"]) as found:
        found.load()
        return found


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.long)])
async def test_no_hostile_picture_costs_more_than_it_may_and_others_are_rendered_meanwhile(every: int) -> None:
    good = encoded(Image.new("RGB", (300, 200), "red"), "image/jpeg")
    hostile = list(hostile_pictures())
    assert len(hostile) > 90
    hostile = hostile[::every]

    async with WorkerPool.open(slots=2, memory_bytes=WORKER_MEMORY_BYTES, warm_up=picture.warm_up) as pool:

        async def render(content: bytes, content_type: str, owner: str) -> bytes | None:
            size = max(len(content), 64 * 1024)
            return await pool.run(size, picture.render_thumbnail, content, content_type, FIT, 128, owner=owner)

        async def render_hostile(cases: Sequence[tuple[str, str, bytes]]) -> dict[str, bytes | None]:
            return {name: await render(content, content_type, "hostile") for name, content_type, content in cases}

        async def render_good() -> None:
            for _ in range(10):
                thumbnail = await render(good, "image/jpeg", "other")
                assert thumbnail is not None
                assert decoded(thumbnail).size == (128, 85)

        results, _ = await asyncio.gather(render_hostile(hostile), render_good())
    assert len(results) == len(hostile)
    for name, thumbnail in results.items():
        if thumbnail is not None:
            assert max(decoded(thumbnail).size) <= 128, name
            assert thumbnail.find(b"EXIF") == thumbnail.find(b"XMP ") == thumbnail.find(b"ICCP") == -1, name
    shown = {name for name, thumbnail in results.items() if thumbnail is not None}
    assert not {name for name in shown if " as " in name and "many" not in name}, "another format was decoded"
    assert not {name for name in shown if "50,000 x" in name or " x 16,38" in name or " x 65,5" in name}
    assert {"EXIF with garbage", "a profile of garbage", "APNG of 100,000 frames", "1,000 comments"} & results.keys() <= shown


async def test_whoever_sees_a_file_gets_a_url_of_its_thumbnail(app: App, team: SampleTeam) -> None:
    card = await create_task(app, team)
    content = encoded(Image.effect_noise((900, 600), 60).convert("RGB"), "image/jpeg")
    file = await upload_file(app, team.member, content, contentType="image/jpeg", fileName="a.jpg", subjectId=card["id"])
    url = (await app.run(team.mate, THUMBNAIL_URL_QUERY, id=file["id"], size=200))["node"]["thumbnailUrl"]
    response = await get_url(app, url)
    assert (response.status_code, response.headers["content-type"]) == (200, "image/webp")
    assert decoded(response.content).size == (256, 171)
    assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert 240 <= int(response.headers["cache-control"].split("max-age=")[1].split(",")[0]) <= 360
    assert (await get_url(app, url, **{"if-none-match": response.headers["etag"]})).status_code == 304
    other = (await app.run(team.mate, THUMBNAIL_URL_QUERY, id=file["id"], size=64))["node"]["thumbnailUrl"]
    assert decoded((await get_url(app, other)).content).size == (64, 43)
    assert (await app.run(team.outsider, THUMBNAIL_URL_QUERY, id=file["id"]))["node"] is None


async def test_only_a_signed_url_is_answered_and_only_as_it_was_signed(app: App, team: SampleTeam) -> None:
    file = await upload_file(app, team.member, PNG, contentType="image/png")
    url = (await app.run(team.member, THUMBNAIL_URL_QUERY, id=file["id"], size=64))["node"]["thumbnailUrl"]
    assert (await get_url(app, url)).status_code == 200
    path, _, query = url.partition("?")
    other = await upload_picture(app, team.mate)
    for changed in (
        path,
        url.replace("fit-64", "fit-128"),
        url.replace("fit-64", "square-64"),
        url.replace("fit-64", "fit-65"),
        url.replace(str(uuid_of(file["id"])), str(other)),
        url.replace("/thumbnails/", "/thumbnails/../thumbnails/").replace("expires=", "expires=9"),
        f"{path}?{query}&name=x",
    ):
        response = await get_url(app, changed)
        assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN"), changed
    blobs = app.resources.services.blobs
    assert await blobs.head(thumbnail_key(uuid_of(file["id"]), FIT, 128)) is None
    assert await blobs.head(thumbnail_key(other, FIT, 64)) is None


async def test_files_that_are_no_pictures_have_no_thumbnail(app: App, team: SampleTeam) -> None:
    words = await upload_file(app, team.member)
    drawing = await upload_file(app, team.member, b"<svg onload='alert(1)'/>", contentType="image/svg+xml", fileName="a.svg")
    for file in (words, drawing):
        assert (await app.run(team.member, THUMBNAIL_URL_QUERY, id=file["id"]))["node"] == {"thumbnailUrl": None}
        assert await app.resources.thumbnails.get(uuid_of(file["id"]), FIT, 64) is None
        assert await app.resources.services.blobs.head(thumbnail_key(uuid_of(file["id"]), FIT, 64)) is None


@pytest.mark.parametrize("values", [{"size": 15}, {"size": 1025}, {"size": None}, {"seconds": 9}, {"seconds": 86_401}])
async def test_a_size_or_a_time_out_of_bounds_is_refused(app: App, team: SampleTeam, values: dict[str, Any]) -> None:
    file = await upload_file(app, team.member, PNG, contentType="image/png")
    answer = await app.execute(team.member, THUMBNAIL_URL_QUERY, id=file["id"], **values)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_a_thumbnail_is_rendered_once_however_many_ask_for_it(app: App, team: SampleTeam) -> None:
    store = app.resources.thumbnails
    file = await upload_picture(app, team.member)
    before = store.counts["made"]
    found = await asyncio.gather(*(store.get(file, SQUARE, 64) for _ in range(20)))
    assert {blob and blob.content for blob in found} == {found[0] and found[0].content} != {None}
    assert store.counts["made"] == before + 1
    assert store._turns == {}


async def test_what_cannot_be_read_is_tried_once_and_answered_as_not_there(app: App, team: SampleTeam) -> None:
    store = app.resources.thumbnails
    file = await upload_file(app, team.member, PNG[:20] + bytes(60), contentType="image/png")
    url = (await app.run(team.member, THUMBNAIL_URL_QUERY, id=file["id"], size=64))["node"]["thumbnailUrl"]
    before = store.counts["unreadable"]
    for _ in range(3):
        response = await get_url(app, url)
        assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (404, "NOT_FOUND")
        assert response.headers["cache-control"] == "no-store"
    assert store.counts["unreadable"] == before + 1


async def test_what_was_too_expensive_is_tried_again_after_an_hour(app: App, team: SampleTeam) -> None:
    large = encoded(Image.new("RGB", (6_000, 6_000)), "image/png", compress_level=1)
    resources, file = app.resources, await upload_picture(app, team.member, large)
    async with WorkerPool.open(slots=1, memory_bytes=80 * 1024 * 1024) as workers:  # less than its pixels take
        poor = Thumbnails(resources.database, resources.services.blobs, workers)
        assert await poor.get(file, FIT, 64) is None
        assert await poor.get(file, FIT, 64) is None
    assert poor.counts == {"too expensive": 1}
    marker = await resources.services.blobs.get(thumbnail_key(file, FIT, 64))
    assert marker is not None
    assert marker.content_type == UNREADABLE_TYPE
    assert abs(int(marker.content) - time.time() - RETRY_SECONDS) < 600
    assert await resources.thumbnails.get(file, FIT, 64) is None
    await resources.services.blobs.put(thumbnail_key(file, FIT, 64), b"%d" % (time.time() - 1), content_type=UNREADABLE_TYPE)
    assert await resources.thumbnails.get(file, FIT, 64) is not None


async def test_the_pictures_of_one_uploader_do_not_delay_those_of_another(app: App, team: SampleTeam) -> None:
    heavy = encoded(Image.effect_noise((4_000, 3_000), 90), "image/png", compress_level=1)
    flood, other = await upload_picture(app, team.member, heavy), await upload_picture(app, team.mate)
    store = app.resources.thumbnails
    async with asyncio.TaskGroup() as tasks:
        wanted = [tasks.create_task(store.get(flood, shape, edge)) for shape in ThumbnailShape for edge in EDGES_PIXELS]
        while store._slots.waiting < len(wanted) - 1:
            await asyncio.sleep(0.005)
        assert await store.get(other, FIT, 64) is not None
        assert sum(not each.done() for each in wanted) >= len(wanted) // 2
        for each in wanted:
            each.cancel()


async def test_too_many_that_wait_are_refused_and_nothing_is_stored(
    app: App, team: SampleTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_WAITING_PER_UPLOADER", 1)
    resources, file = app.resources, await upload_picture(app, team.member)
    async with Thumbnails.open(resources.database, resources.services.blobs) as store:
        found = await asyncio.gather(*(store.get(file, FIT, edge) for edge in EDGES_PIXELS), return_exceptions=True)
    refused = [edge for edge, result in zip(EDGES_PIXELS, found, strict=True) if isinstance(result, Overloaded)]
    assert len(refused) == len(EDGES_PIXELS) - 2
    assert [await resources.services.blobs.head(thumbnail_key(file, FIT, edge)) for edge in refused] == [None] * len(refused)


async def test_thumbnails_go_with_their_picture(app: App, team: SampleTeam) -> None:
    resources, blobs = app.resources, app.resources.services.blobs
    assert isinstance(blobs, LocalBlobs)
    deleted, kept = await upload_picture(app, team.member), await upload_picture(app, team.member)
    for file in (deleted, kept):
        for shape in ThumbnailShape:
            assert await resources.thumbnails.get(file, shape, 32) is not None
    await mutate_ok(app, team.member, "attachmentDelete", id=_global(deleted))
    assert await resources.thumbnails.get(deleted, FIT, 64) is None
    await clean_up_blobs(resources.database, blobs, datetime.now(UTC), orphans=False)
    keys = [thumbnail_key(file, shape, 32) for file in (deleted, kept) for shape in ThumbnailShape]
    assert [await blobs.head(key) is not None for key in keys] == [False, False, True, True]
    assert await blobs.head(attachment_key(deleted)) is None
    await blobs.put(keys[0], b"left behind", content_type="image/webp")
    for key in (keys[0], keys[2]):
        aged = time.time() - 90_000 - random.randrange(100)
        os.utime(blobs.file_store._path(key), (aged, aged))
    assert (await clean_up_blobs(resources.database, blobs, datetime.now(UTC))).orphaned == 1
    assert [await blobs.head(key) is not None for key in keys] == [False, False, True, True]


def _global(file: UUID) -> str:
    from resolvers import ids

    return ids.encode("Attachment", file)


async def test_a_picture_of_a_person_is_a_square_and_the_file_stays_theirs(app: App, team: SampleTeam) -> None:
    content = encoded(Image.effect_noise((300, 200), 60).convert("RGB"), "image/jpeg")
    file = await upload_file(app, team.member, content, contentType="image/jpeg", fileName="me.jpg")
    await mutate_ok(app, team.member, "userUpdate", avatarUploadId=file["id"])
    query = "query ($id: ID!, $size: Int) { user(id: $id) { avatarUrl(size: $size) } }"
    for size, edge in ((16, 32), (96, 96), (100, 128), (1024, 200)):
        url = (await app.run(team.mate, query, id=team.member.id, size=size))["user"]["avatarUrl"]
        assert urlsplit(url).path.startswith(f"/thumbnails/{uuid_of(file['id'])}/square-")
        assert decoded((await get_url(app, url)).content).size == (edge, edge)
    original = "query ($id: ID!) { node(id: $id) { ... on Attachment { url } } }"
    assert (await app.run(team.mate, original, id=file["id"]))["node"] is None
    assert (await app.run(team.member, original, id=file["id"]))["node"]["url"] is not None
