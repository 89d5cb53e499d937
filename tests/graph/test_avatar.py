"""Pictures of people: made of their uploads, seen with them."""

from tests.support.app import App
from tests.support.graph_actions import codes_and_paths, mutate, mutate_ok, table_states
from tests.support.teams import SampleTeam, uuid_of
from tests.support.uploads import PNG, fetch_file, upload_file


async def test_a_picture_is_seen_with_its_person_and_replaced_by_the_next(app: App, team: SampleTeam) -> None:
    avatar = "query ($id: ID!) { user(id: $id) { avatarUrl } }"
    assert (await app.run(team.mate, avatar, id=team.member.id))["user"] == {"avatarUrl": None}
    first, second = [await upload_file(app, team.member, PNG, fileName="me.png", contentType="image/png") for _ in range(2)]
    for picture in (first, second, second):
        await mutate_ok(app, team.member, "userUpdate", avatarUploadId=picture["id"])
        url = (await app.run(team.mate, avatar, id=team.member.id))["user"]["avatarUrl"]
        assert str(uuid_of(picture["id"])) in url
    assert await fetch_file(app, team.member, first) is None
    assert codes_and_paths(await mutate(app, team.member, "attachmentDelete", id=second["id"])) == [("INVALID", ["input", "id"])]
    await mutate_ok(app, team.member, "userUpdate", avatarUploadId=None)
    assert (await app.run(team.mate, avatar, id=team.member.id))["user"] == {"avatarUrl": None}


async def test_only_ones_own_image_can_be_a_picture(app: App, team: SampleTeam) -> None:
    words = await upload_file(app, team.member)
    theirs = await upload_file(app, team.mate, PNG, contentType="image/png")
    before = await table_states(app)
    for file, code in ((words, "INVALID"), (theirs, "NOT_FOUND")):
        refused = await mutate(app, team.member, "userUpdate", avatarUploadId=file["id"])
        assert codes_and_paths(refused) == [(code, ["input", "avatarUploadId"])]
    assert await table_states(app) == before
