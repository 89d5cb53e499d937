"""`server.py admin verify-counters` and `rebuild-counters`: what operators are told, and what is mended."""

from pathlib import Path

import asyncpg
import pytest

from app.bootstrap import open_resources
from app.counters import rebuild_counters, verify_counters
from app.service_database import CannotStart
from app.settings import Settings
from tests.conftest import migrate_template
from tests.support.app import App
from tests.support.graph_actions import create_task
from tests.support.teams import create_sample_team


async def test_wrong_counters_are_named_and_rebuilt(postgres_server: str, tmp_path: Path) -> None:
    from tests.support.backing_services import database_from_template

    async with database_from_template(postgres_server, "migrated", migrate_template) as url:
        settings = Settings(database_url=url, database_connections=4, data_dir=tmp_path)
        async with open_resources(settings, url) as resources, asyncpg.create_pool(url, min_size=0, max_size=2) as sql:
            app = App(resources, sql)
            team = await create_sample_team(app)
            await create_task(app, team, "One", dueOn="2020-01-01")
            assert await verify_counters(settings) == "The numbers of tasks of all projects are right."
            await sql.execute("UPDATE task_counts SET todo = 7")
            with pytest.raises(CannotStart) as refused:
                await verify_counters(settings)
            assert str(team.project.id) in str(refused.value)
            assert "admin rebuild-counters" in str(refused.value)
            projects = await sql.fetchval("SELECT count(*) FROM projects")
            assert await rebuild_counters(settings) == f"The tasks of {projects} projects were counted."
            assert await verify_counters(settings) == "The numbers of tasks of all projects are right."
            assert await sql.fetchval("SELECT todo FROM task_counts WHERE project_id = $1", team.project.id) == 1
