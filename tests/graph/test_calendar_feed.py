"""Calendar feeds: who has the address reads what its person may see now, until the address is replaced or the account ends."""

import gzip
import logging
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from icalendar import Calendar
from starlette.applications import Starlette

from domain.actor import ALL_SCOPES, Actor, Scope
from domain.calendar_feed import MAX_DESCRIPTION_CHARS, MAX_EVENTS
from gateway.calendar_feed import CalendarFeeds
from persistence.rate_limits.memory import MemoryRateLimiter
from tests.support.app import App, Person
from tests.support.graph_actions import create_label, create_project, create_task, mutate, mutate_ok, table_states
from tests.support.teams import SampleTeam, uuid_of

ORIGIN = "https://hive.example.com"
ROTATE = "user { account { calendarFeedUrl } }"
URL = "{ viewer { account { calendarFeedUrl } } }"
TODAY = datetime.now(UTC).date()


@pytest.fixture
async def http(app: App) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the feeds, as a server with compression serves them."""
    services = app.resources.services
    feeds = CalendarFeeds(services.database, services.calendar_tokens, MemoryRateLimiter(), origin=ORIGIN, compress=True)
    transport = httpx.ASGITransport(Starlette(routes=feeds.routes()))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


async def rotate(app: App, person: Person) -> str:
    """The path of a person's feed, which is new."""
    payload = await mutate(app, person, "calendarFeedRotate", ROTATE)
    assert payload["errors"] == []
    url: str = payload["user"]["account"]["calendarFeedUrl"]
    assert url.startswith(app.resources.services.public_url + "/calendar/")
    return httpx.URL(url).path


def events_in(content: bytes) -> list[Any]:
    return list(Calendar.from_ical(content).walk("VEVENT"))


async def titles(http: httpx.AsyncClient, path: str) -> list[str]:
    """What a calendar program shows."""
    answer = await http.get(path)
    assert answer.status_code == 200, answer.text
    return [str(each["summary"]) for each in events_in(answer.content)]


async def test_a_feed_shows_the_open_tasks_of_its_person_by_their_due_days(
    app: App, team: SampleTeam, http: httpx.AsyncClient
) -> None:
    label = await create_label(app, team.member, team.team_id, "a, b; c")
    given: dict[str, Any] = {"assigneeId": team.mate.id, "dueOn": "2026-06-08"}
    task = await create_task(app, team, "Water; the, plants\\", description="All *of*\nthem", labelIds=[label], **given)
    await create_task(app, team, "Earlier", **given | {"dueOn": "2026-06-01"})
    await create_task(app, team, "Done", **given, status="DONE")
    await create_task(app, team, "Canceled", **given, status="CANCELED")
    await create_task(app, team, "Some day", assigneeId=team.mate.id)
    await create_task(app, team, "Somebody else's", assigneeId=team.member.id, dueOn="2026-06-08")
    gone = await create_task(app, team, "Deleted", **given)
    await mutate_ok(app, team.member, "taskDelete", id=gone["id"])

    path = await rotate(app, team.mate)
    answer = await http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    earlier, found = events_in(answer.content)
    assert str(earlier["summary"]) == "Earlier"
    assert str(found["summary"]) == "Water; the, plants\\"
    assert found["dtstart"].dt == date(2026, 6, 8)
    assert str(found["uid"]) == f"{uuid_of(task['id'])}@hive.example.com"
    assert str(found["url"]) == f"{ORIGIN}/tasks/{task['key']}"
    assert str(found["description"]) == f"{task['key']} · Launch\n\nAll *of*\nthem"
    assert [str(each) for each in found["categories"].cats] == ["a, b; c"]


async def test_what_its_person_may_not_see_any_more_is_gone(app: App, team: SampleTeam, http: httpx.AsyncClient) -> None:
    private = await create_project(app, team, "Private", private_to=[team.mate])
    for project in (team.project_id, private):
        await create_task(app, team, "Task", by=team.owner, projectId=project, assigneeId=team.mate.id, dueOn="2026-06-08")
    path = await rotate(app, team.mate)
    assert len(await titles(http, path)) == 2
    await mutate_ok(app, team.owner, "projectSetMembers", id=private, removeUserIds=[team.mate.id])
    assert len(await titles(http, path)) == 1
    await app.sql.execute("UPDATE projects SET deleted_at = now() WHERE id = $1", team.project.id)
    assert await titles(http, path) == []
    await app.sql.execute("UPDATE projects SET deleted_at = NULL WHERE id = $1", team.project.id)
    await mutate_ok(app, team.owner, "teamMemberRemove", teamId=team.team_id, userId=team.mate.id)
    assert await titles(http, path) == []


async def test_rotating_ends_the_address_before(app: App, team: SampleTeam, http: httpx.AsyncClient) -> None:
    assert await app.run(team.mate, URL) == {"viewer": {"account": {"calendarFeedUrl": None}}}
    first = await rotate(app, team.mate)
    second = await rotate(app, team.mate)
    assert (await app.run(team.mate, URL))["viewer"]["account"]["calendarFeedUrl"].endswith(second)
    answers = [await http.get(path) for path in (first, second)]
    assert [each.status_code for each in answers] == [404, 200]
    unknown = await http.get("/calendar/" + "A" * 43 + ".ics")
    assert (unknown.status_code, unknown.content) == (404, answers[0].content)


async def test_a_feed_ends_with_its_account(app: App, team: SampleTeam, http: httpx.AsyncClient) -> None:
    path = await rotate(app, team.mate)
    user_id = team.mate.user.id
    await app.sql.execute("UPDATE users SET status = 'INACTIVE', suspended_at = now() WHERE id = $1", user_id)
    assert (await http.get(path)).status_code == 404
    await app.sql.execute("UPDATE users SET status = 'ACTIVE', suspended_at = NULL WHERE id = $1", user_id)
    assert (await http.get(path)).status_code == 200


@pytest.mark.parametrize("change", ["flip", "shorter", "longer", "other base64", "not ascii", "slash"])
async def test_an_address_that_was_not_made_here_is_not_found(
    app: App, team: SampleTeam, http: httpx.AsyncClient, change: str
) -> None:
    token = (await rotate(app, team.mate)).removeprefix("/calendar/").removesuffix(".ics")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same_bits = last[last.index(token[-1]) ^ 1]
    changed = {
        "flip": ("B" if token[0] == "A" else "A") + token[1:],
        "shorter": token[:-1],
        "longer": token + "A",
        "other base64": token[:-1] + same_bits,
        "not ascii": "é" * 43,
        "slash": token[:20] + "/" + token[20:],
    }[change]
    assert (await http.get(f"/calendar/{changed}.ics")).status_code == 404


async def test_a_program_that_has_the_feed_is_sent_nothing_again(app: App, team: SampleTeam, http: httpx.AsyncClient) -> None:
    task = await create_task(app, team, "Task", assigneeId=team.mate.id, dueOn="2026-06-08", description="x" * 3_000)
    path = await rotate(app, team.mate)
    first = await http.get(path, headers={"accept-encoding": "identity"})
    assert (first.headers["vary"], "content-encoding" in first.headers) == ("accept-encoding", False)
    for known in (first.headers["etag"], first.headers["etag"].removeprefix("W/"), f'"other", {first.headers["etag"]}'):
        again = await http.get(path, headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    async with http.stream("GET", path, headers={"accept-encoding": "gzip"}) as packed:
        raw = b"".join([chunk async for chunk in packed.aiter_raw()])
    assert (packed.headers["content-encoding"], gzip.decompress(raw)) == ("gzip", first.content)
    await mutate_ok(app, team.mate, "taskUpdate", id=task["id"], title="Other")
    other = await http.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (other.status_code, other.headers["etag"] != first.headers["etag"]) == (200, True)
    description = str(events_in(other.content)[0]["description"])
    assert description.count("x") == MAX_DESCRIPTION_CHARS


async def test_a_feed_is_read_so_often_and_not_oftener(app: App, team: SampleTeam, http: httpx.AsyncClient) -> None:
    path, other = await rotate(app, team.mate), await rotate(app, team.member)
    assert [(await http.get(path)).status_code for _ in range(31)] == [200] * 30 + [429]
    refused = await http.get(path)
    assert 0 < int(refused.headers["retry-after"]) <= 600
    assert (await http.get(other)).status_code == 200


async def test_of_many_tasks_the_nearest_are_shown(app: App, team: SampleTeam, http: httpx.AsyncClient) -> None:
    await app.sql.execute(
        "INSERT INTO tasks (id, version, created_at, updated_at, team_id, project_id, number, key, title, title_collation, status,"
        " priority, assignee_user_id, due_on, rank)"
        " SELECT gen_random_uuid(), 1, now(), now(), $1, $2, n, left(md5(random()::text), 8) || n, 'T' || n, '', 'TODO', 'NONE', $3, $4::date + n - 1500,"
        " lpad(n::text, 6, '0') FROM generate_series(1, 3000) AS n",
        team.team.id,
        team.project.id,
        team.mate.user.id,
        TODAY,
    )
    path = await rotate(app, team.mate)
    answer = await http.get(path)
    days = [line.removeprefix("DTSTART;VALUE=DATE:") for line in answer.text.split("\r\n") if line.startswith("DTSTART")]
    assert len(days) == MAX_EVENTS
    assert days == sorted(days)
    edges = {date.fromisoformat(days[0]), date.fromisoformat(days[-1])}
    assert all(abs((each - TODAY).days) <= MAX_EVENTS // 2 for each in edges)
    assert TODAY in {date.fromisoformat(each) for each in days}


async def test_neither_logs_nor_events_hold_the_address(
    app: App, team: SampleTeam, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        path = await rotate(app, team.mate)
        await app.execute(team.mate, URL)
    token = path.removeprefix("/calendar/").removesuffix(".ics")
    assert token not in caplog.text
    key = app.resources.services.calendar_tokens.decode(token)
    rows = await app.sql.fetch("SELECT payload::text, type FROM events WHERE stream = $1", f"user:{team.mate.user.id}")
    assert [row["type"] for row in rows if "CalendarFeed" in row["type"]] == ["CalendarFeedRotated"]
    assert not any(str(key) in row["payload"] or token in row["payload"] for row in rows)


async def test_a_token_that_may_not_everything_learns_and_changes_nothing(app: App, team: SampleTeam) -> None:
    await rotate(app, team.mate)
    before = await table_states(app)
    actor = Actor(user_id=team.mate.user.id, scopes=ALL_SCOPES - {Scope.ADMIN})
    read = await app.execute(team.mate, URL, actor=actor)
    assert read["errors"][0]["extensions"]["code"] == "INSUFFICIENT_SCOPE"
    operation = "mutation { calendarFeedRotate(input: {}) { errors { code } } }"
    refused = await app.execute(team.mate, operation, actor=actor)
    assert "INSUFFICIENT_SCOPE" in str(refused)
    assert await table_states(app) == before


async def test_others_see_no_address(app: App, team: SampleTeam) -> None:
    await rotate(app, team.mate)
    query = "query ($id: ID!) { user(id: $id) { account { calendarFeedUrl } } }"
    assert await app.run(team.owner, query, id=team.mate.id) == {"user": {"account": None}}
