"""Audit logs by a real worker, and what operators do with them."""

import asyncio
import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from app.audit import export_audit, verify_audit
from app.keys import audit_seal, open_secret
from app.service_database import CannotStart
from app.settings import Settings
from domain.events import team_stream
from persistence.stores.audit import trim
from tests.support.audit import audit_log, stored_log
from tests.support.graph_actions import create_task, mutate_ok
from tests.support.teams import create_sample_team
from tests.support.workers import WorkerDatabase
from workers.consumers.audit import audit


def example(language: str) -> str:
    """The example of the documentation in a language."""
    found = re.search(rf"```{language}\n(.*?)```", Path("docs/audit.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


async def verified(settings: Settings, anchors: Path | None = None, team: str | None = None) -> list[str]:
    return [line async for line in verify_audit(settings, team, anchors)]


async def refused(settings: Settings, anchors: Path | None = None) -> str:
    """What verifying complains of."""
    with pytest.raises(CannotStart) as caught:
        await verified(settings, anchors)
    return str(caught.value)


@pytest.fixture
def operator(worker_database: WorkerDatabase) -> Settings:
    """Settings of a command beside the server."""
    return worker_database.settings.model_copy(update={"database_url": worker_database.url})


async def test_everything_that_was_acknowledged_is_recorded_once_in_a_chain_without_gaps(
    worker_database: WorkerDatabase, operator: Settings, tmp_path: Path
) -> None:
    app = worker_database.app
    teams = [await create_sample_team(app) for _ in range(2)]
    async with worker_database.worker(audit), worker_database.worker(audit):
        for number in range(20):
            await asyncio.gather(*(create_task(app, team, f"{number}") for team in teams))

        async def recorded() -> bool:
            done = [await app.resources.services.log.head(team_stream(each.team.id)) for each in teams]
            cursors = [await worker_database.cursor("audit", team_stream(each.team.id)) for each in teams]
            return done == cursors

        await worker_database.wait_until(recorded)
    for team in teams:
        rows = await stored_log(app, team.team.id)
        assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
        made = [row["subject_id"] for row in rows if row["action"] == "task.created"]
        assert len(made) == len(set(made)) == 20
        assert (await audit_log(app, team.owner, team.team_id, first=100))["brokenAt"] is None
    shown = (await app.run(teams[0].owner, example("graphql"), id=teams[0].team_id))["team"]["auditLog"]
    assert (shown["brokenAt"], [each["action"] for each in shown["nodes"]]) == (None, ["task.created"] * 20)
    anchors = tmp_path / "anchors.json"
    assert len(await verified(operator, anchors)) == 2
    (line,) = await verified(operator, anchors, team=teams[0].team.key)
    assert line.startswith(f"team {teams[0].team.id}: ")
    assert set(json.loads(anchors.read_text())) >= {str(each.team.id) for each in teams}
    await check_export(operator, teams[0].team.key)
    await check_tampering(worker_database, operator, teams[0].team.id, anchors)
    await check_retention(worker_database, operator, teams[1].team.id, anchors)


async def check_export(operator: Settings, key: str) -> None:
    """Whoever has an export can check it with the program of the documentation."""
    lines = [line async for line in export_audit(operator, key)]
    assert len(lines) >= 20
    program = [sys.executable, "-c", example("python")]
    whole = await asyncio.to_thread(subprocess.run, program, input="\n".join(lines), text=True, capture_output=True, check=False)
    assert (whole.returncode, whole.stderr) == (0, "")
    edited = [lines[0], lines[1].replace('"actorLabel":"', '"actorLabel":"x'), *lines[2:]]
    found = await asyncio.to_thread(subprocess.run, program, input="\n".join(edited), text=True, capture_output=True, check=False)
    assert "AssertionError: 2" in found.stderr


async def check_tampering(database: WorkerDatabase, operator: Settings, team_id: UUID, anchors: Path) -> None:
    """Each way of changing the stored log is found, and undone in the end."""
    sql = database.app.sql
    where = f"team_id = '{team_id}'"
    last = await sql.fetchval(f"SELECT max(number) FROM audit_entries WHERE {where}")
    tampering = {
        "edited": f"UPDATE audit_entries SET detail = '{{}}' WHERE {where} AND number = 3",
        "removed": f"DELETE FROM audit_entries WHERE {where} AND number = 4",
        "first removed": f"DELETE FROM audit_entries WHERE {where} AND number = 1",
        "truncated": f"DELETE FROM audit_entries WHERE {where} AND number > 5",
        "truncated with the head": f"WITH gone AS (DELETE FROM audit_entries WHERE {where} AND number > 5) "
        f"UPDATE audit_heads SET number = 5, hash = (SELECT hash FROM audit_entries WHERE {where} AND number = 5) WHERE {where}",
        "reordered": f"UPDATE audit_entries SET number = CASE number WHEN 3 THEN -4 ELSE -3 END WHERE {where} AND number IN (3, 4)",
        "appended": "INSERT INTO audit_entries SELECT team_id, number + 1, gen_random_uuid(), at, actor_user_id, actor_label, "
        "action, subject_type, subject_id, project_id, ip_address, user_agent, detail, hash FROM audit_entries "
        f"WHERE {where} AND number = {last}",
        "gone": f"WITH gone AS (DELETE FROM audit_entries WHERE {where}) DELETE FROM audit_heads WHERE {where}",
        "all gone": "WITH gone AS (DELETE FROM audit_entries) DELETE FROM audit_heads WHERE ordinal > 0",
    }
    await sql.execute("CREATE TABLE kept_entries AS TABLE audit_entries; CREATE TABLE kept_heads AS TABLE audit_heads")
    for way, statement in tampering.items():
        await sql.execute(statement)
        assert "as they were written" in await refused(operator), way
        await sql.execute("TRUNCATE audit_entries, audit_heads")
        await sql.execute("INSERT INTO audit_entries TABLE kept_entries")
        await sql.execute("INSERT INTO audit_heads TABLE kept_heads")
        assert len(await verified(operator, anchors)) == 2
    await sql.execute("TRUNCATE audit_entries, audit_heads")  # only what is stored apart tells of that
    assert await verified(operator) == []
    assert str(team_id) in await refused(operator, anchors)
    await sql.execute("INSERT INTO audit_entries TABLE kept_entries")
    await sql.execute("INSERT INTO audit_heads TABLE kept_heads")


async def check_retention(database: WorkerDatabase, operator: Settings, team_id: UUID, anchors: Path) -> None:
    """Entries go by age from the beginning, a bounded number at a time, and the rest of the chain stays whole."""
    sql = database.app.sql
    seal = audit_seal(open_secret(operator))
    numbers = [row["number"] for row in await stored_log(database.app, team_id)]
    later = datetime.now(UTC) + timedelta(hours=1)
    async with database.resources.database.begin() as connection:
        assert await trim(connection, seal, before=datetime(2000, 1, 1, tzinfo=UTC), max_entries=100) == 0
    left = await sql.fetchval("SELECT count(*) FROM audit_entries")
    async with database.resources.database.begin() as connection:
        assert await trim(connection, seal, before=later, max_entries=left - 1) == left - 1
    assert len(await verified(operator, anchors)) == 2
    assert await sql.fetchval("SELECT count(*) FROM audit_entries") == 1
    assert numbers[0] == 1
    await sql.execute("INSERT INTO audit_entries TABLE kept_entries ON CONFLICT DO NOTHING")
    assert "as they were written" in await refused(operator)


async def test_an_event_that_cannot_be_recorded_waits_and_is_not_skipped(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    await app.sql.execute("ALTER TABLE audit_entries ADD CONSTRAINT refuse CHECK (action <> 'task.created')")
    async with worker_database.worker(audit):
        task = await create_task(app, team, "Waits")
        await mutate_ok(app, team.owner, "taskUpdate", id=task["id"], title="Behind it")

        async def failed() -> bool:
            found = "SELECT max(failures) FROM consumer_cursors WHERE consumer = 'audit'"
            return bool((await app.sql.fetchval(found) or 0) >= 2)

        await worker_database.wait_until(failed)
        assert "task.updated" not in [row["action"] for row in await stored_log(app, team.team.id)]
        await app.sql.execute("ALTER TABLE audit_entries DROP CONSTRAINT refuse")

        async def recorded() -> bool:
            return [row["action"] for row in await stored_log(app, team.team.id)][-2:] == ["task.created", "task.updated"]

        await worker_database.wait_until(recorded)
    assert await worker_database.dead_letters() == []
