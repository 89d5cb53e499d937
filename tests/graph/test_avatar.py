"""Pictures of people: made of their uploads, seen with them."""

from tests.app import App
from tests.files import PNG, request, seen, upload
from tests.people import People, uuid_of
from tests.work import do, done, everything, refusals


async def test_a_picture_is_seen_with_its_person_and_replaced_by_the_next(app: App, team: People) -> None:
    avatar = "query ($id: ID!) { user(id: $id) { avatarUrl } }"
    assert (await app.run(team.mate, avatar, id=team.member.id))["user"] == {"avatarUrl": None}
    first, second = [await upload(app, team.member, PNG, fileName="me.png", contentType="image/png") for _ in range(2)]
    for picture in (first, second, second):
        await done(app, team.member, "userUpdate", avatarUploadId=picture["id"])
        url = (await app.run(team.mate, avatar, id=team.member.id))["user"]["avatarUrl"]
        assert str(uuid_of(picture["id"])) in url
        assert (await request(app, "GET", url)).content == PNG
    assert await seen(app, team.member, first) is None
    assert refusals(await do(app, team.member, "attachmentDelete", id=second["id"])) == [("INVALID", ["input", "id"])]
    await done(app, team.member, "userUpdate", avatarUploadId=None)
    assert (await app.run(team.mate, avatar, id=team.member.id))["user"] == {"avatarUrl": None}


async def test_only_ones_own_image_can_be_a_picture(app: App, team: People) -> None:
    words = await upload(app, team.member)
    theirs = await upload(app, team.mate, PNG, contentType="image/png")
    before = await everything(app)
    for file, code in ((words, "INVALID"), (theirs, "NOT_FOUND")):
        refused = await do(app, team.member, "userUpdate", avatarUploadId=file["id"])
        assert refusals(refused) == [(code, ["input", "avatarUploadId"])]
    assert await everything(app) == before
