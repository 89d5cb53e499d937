"""Lists of people and of their teams stay in the order of names, whoever is renamed, and name each person once."""

import asyncio
from random import Random
from typing import Any
from uuid import UUID, uuid4

from domain.page import Order, Paging
from persistence.engine.pages import fetch_pages
from persistence.stores.user import USERS
from tests.support.app import App
from tests.support.graph_actions import mutate_ok
from tests.support.machine import allowed_seconds
from tests.support.teams import SampleTeam, create_sample_team, join_team, uuid_of

MEMBERS = """
query ($team: ID!, $project: ID!, $first: Int, $after: String) {
  team(id: $team) { members(first: $first, after: $after) { pageInfo { endCursor } nodes { firstName } } }
  project(id: $project) { members(first: 10) { nodes { firstName } } }
  users(first: 10) { nodes { firstName } }
}
"""
TEAMS = "{ teams { nodes { name } } viewer { teams { nodes { name } } } }"


def _first_names(connection: Any) -> list[str]:
    return [each["firstName"] for each in connection["nodes"]]


async def test_whoever_is_renamed_stands_elsewhere_in_every_list_of_people(app: App, team: SampleTeam) -> None:
    everybody = ["Admin", "Guest", "Mate", "Member", "Owner"]
    given = {"team": team.team_id, "project": team.project_id}
    before = await app.run(team.owner, MEMBERS, **given, first=2)
    assert _first_names(before["team"]["members"]) == everybody[:2]
    await mutate_ok(app, team.guest, "userUpdate", firstName="Zoë")
    await mutate_ok(app, team.admin, "userUpdate", firstName="ｎadia")
    renamed = ["Mate", "Member", "ｎadia", "Owner", "Zoë"]
    after = await app.run(team.owner, MEMBERS, **given, first=10)
    assert _first_names(after["team"]["members"]) == _first_names(after["users"]) == renamed
    assert _first_names(after["project"]["members"]) == ["Owner", "Zoë"]
    # A cursor is a place in the order of names: what comes after it now.
    cursor = before["team"]["members"]["pageInfo"]["endCursor"]
    rest = await app.run(team.owner, MEMBERS, **given, first=10, after=cursor)
    assert _first_names(rest["team"]["members"]) == renamed


async def test_a_team_that_is_renamed_stands_elsewhere_among_the_teams_of_its_members(app: App, team: SampleTeam) -> None:
    other = await create_sample_team(app)
    await join_team(app, other.team_id, other.owner, team.member)
    names = [f"aaa {team.team.key}", f"b {team.team.key}"]
    for (first, second), renamed in (((team, other), names), ((other, team), names[::-1])):
        await mutate_ok(app, first.owner, "teamUpdate", id=first.team_id, name=f"0 {uuid4()}")
        await mutate_ok(app, second.owner, "teamUpdate", id=second.team_id, name=f"1 {uuid4()}")
        for each, name in zip((team, other), renamed, strict=True):
            await mutate_ok(app, each.owner, "teamUpdate", id=each.team_id, name=name)
        listed = await app.run(team.member, TEAMS)
        assert [each["name"] for each in listed["teams"]["nodes"]] == names
        assert listed["viewer"]["teams"] == listed["teams"]


async def test_whoever_joins_while_they_are_renamed_stands_under_their_new_name(app: App, team: SampleTeam) -> None:
    newcomer = team.outsider.user.id
    async with asyncio.TaskGroup() as tasks, app.sql.acquire() as renaming, renaming.transaction():
        await renaming.execute("UPDATE users SET name_collation = 'zz' WHERE id = $1", newcomer)
        joining = tasks.create_task(_join(app, uuid_of(team.team_id), newcomer))
        async with asyncio.timeout(allowed_seconds(10)):
            while not await renaming.fetchval(_WAITS):
                await asyncio.sleep(0.01)
    assert joining.result() == "zz"


_WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid)"


async def _join(app: App, team_id: UUID, user_id: UUID) -> Any:
    insert = "INSERT INTO team_members (team_id, user_id, role, joined_at) VALUES ($1, $2, 'MEMBER', now()) RETURNING user_name_collation"
    async with app.sql.acquire() as connection:
        return await connection.fetchval(insert, team_id, user_id)


async def test_people_of_teams_that_overlap_are_listed_once_each_in_order(app: App) -> None:
    viewer, expected = await _overlapping_teams(app, Random(17))
    assert [each for _, each in expected] != sorted(each for _, each in expected)
    for size in (1, 2, 7, 40, len(expected), 100):
        for backward in (False, True):
            found = await _walk(app, viewer, size, backward=backward)
            assert found == [each for _, each in expected], (size, backward)


async def _overlapping_teams(app: App, random: Random) -> tuple[UUID, list[tuple[str, UUID]]]:
    """Somebody who is in most of 12 teams that have many people in common, and whom they meet there, by name."""
    people = [(uuid4(), f"person {random.randrange(30):02}") for _ in range(90)]
    teams = [uuid4() for _ in range(12)]
    viewer = people[0][0]
    memberships = {(team, person) for team in teams for person, _ in random.sample(people[1:], random.choice((0, 1, 5, 30, 60)))}
    memberships |= {(team, viewer) for team in teams[:9]}
    async with app.sql.acquire() as connection:
        await connection.executemany(
            "INSERT INTO users (id, version, created_at, updated_at, email, email_key, first_name, last_name, name_collation, status,"
            " time_zone, locale) VALUES ($1::uuid, 1, now(), now(), $1::text, $1::text, 'P', 'P', $2, 'ACTIVE', 'UTC', 'en')",
            people,
        )
        await connection.executemany(
            "INSERT INTO teams (id, version, created_at, updated_at, name, name_collation, key, owner_user_id)"
            " VALUES ($1::uuid, 1, now(), now(), $1::text, $1::text, $1::text, $2)",
            [(team, viewer) for team in teams],
        )
        await connection.executemany(
            "INSERT INTO team_members (team_id, user_id, role, joined_at) VALUES ($1, $2, 'MEMBER', now())", list(memberships)
        )
    met = {person for team, person in memberships if (team, viewer) in memberships}
    return viewer, sorted((name, person) for person, name in people if person in met)


async def _walk(app: App, viewer: UUID, size: int, *, backward: bool) -> list[UUID]:
    """The ids of all people, page by page."""
    cursor: str | None = None
    pages: list[list[UUID]] = []
    while True:
        paging = Paging(last=size, before=cursor) if backward else Paging(first=size, after=cursor)
        (page,) = await fetch_pages(app.resources.database, USERS, None, paging, viewer=viewer, order=[Order("NAME")])
        pages.append([each.id for each in page.nodes])
        more, cursor = (
            (page.page_info.has_previous_page, page.page_info.start_cursor)
            if backward
            else (page.page_info.has_next_page, page.page_info.end_cursor)
        )
        if not more:
            (total,) = await page.count([page])
            found = [each for part in (reversed(pages) if backward else pages) for each in part]
            assert total.rows == len(found)
            return found
