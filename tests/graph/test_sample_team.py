"""A sample team that was copied is one that the domain might have founded."""

import re

from tests.support.app import App
from tests.support.graph_actions import create_task
from tests.support.row_copies import next_transaction, rows_since
from tests.support.teams import SampleTeam, create_sample_team, found_sample_team

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00")
_KEY = re.compile(r"\b[Tt][0-9A-Fa-f]{9}\b")


async def _rows(app: App, transaction: int) -> dict[str, str]:
    """The rows since then, with ids by the order in which they were made, and without instants and keys."""
    rows = await rows_since(app.sql, transaction)
    order = {
        id_: f"id {number}" for number, id_ in enumerate(sorted({each for text in rows.values() for each in _ID.findall(text)}))
    }
    return {
        table: "\n".join(
            sorted(_KEY.sub("key", _INSTANT.sub("instant", _ID.sub(lambda found: order[found[0]], text))).split("}, "))
        )
        for table, text in rows.items()
    }


async def test_the_rows_of_a_copied_team_are_those_of_one_that_was_founded_but_for_ids_instants_and_keys(app: App) -> None:
    before = await next_transaction(app.sql)
    await found_sample_team(app)
    founded = await _rows(app, before)
    before = await next_transaction(app.sql)
    team = await create_sample_team(app)
    assert await _rows(app, before) == founded
    assert set(founded) >= {
        "events",
        "project_members",
        "projects",
        "search_entries",
        "streams",
        "team_members",
        "teams",
        "users",
    }
    found = "SELECT id, name, key, created_at, owner_user_id FROM teams WHERE id = $1"
    stored = team.team
    (row,) = await app.sql.fetch(found, stored.id)
    assert tuple(row) == (stored.id, stored.name, stored.key, stored.created_at, team.owner.user.id)


async def test_copied_teams_have_nothing_in_common(app: App, team: SampleTeam) -> None:
    other = await create_sample_team(app)
    people = [
        getattr(each, name).user for each in (team, other) for name in ("owner", "admin", "member", "mate", "guest", "outsider")
    ]
    assert len({each.id for each in people}) == len({each.email_address for each in people}) == 12
    assert len({team.team.key, team.team.name, other.team.key, other.team.name}) == 4
    await create_task(app, team)
    shown = "query ($id: ID!) { team(id: $id) { id } tasks { totalCount } }"
    found = [(await app.run(person, shown, id=team.team_id)) for person in (team.member, other.member, other.outsider)]
    assert [(each["team"] is not None, each["tasks"]["totalCount"]) for each in found] == [(True, 1), (False, 0), (False, 0)]
