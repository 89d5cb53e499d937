"""The law of the index: after anything that people do, it says what the objects say."""

import random
from typing import Any

from domain.search.typo import is_correctable
from persistence.search import rebuild
from tests.support.app import App
from tests.support.graph_actions import create_comment, create_document, create_project, create_task, mutate, mutate_ok
from tests.support.searching import ids_of, search
from tests.support.teams import SampleTeam, create_sample_team
from tests.support.uploads import upload_file


async def verified(app: App) -> Any:
    """The report on the index, once everything that was queued is worked off."""
    await rebuild.work_off_all(app.resources.database)
    return await rebuild.verify(app.resources.database)


async def test_the_index_follows_everything_that_people_do(isolated_app: App) -> None:
    app = isolated_app
    team, other = await create_sample_team(app), await create_sample_team(app)
    project = await create_project(app, team, "Second")
    tasks = [await create_task(app, team, f"Task {number}", description=f"Text {number}") for number in range(4)]
    part = await create_task(app, team, "Part", parentId=tasks[0]["id"])
    pages = [await create_document(app, team, f"Page {number}", content=f"# Page {number}") for number in range(2)]
    inner = await create_document(app, team, "Inner", parentId=pages[0]["id"], content="inside")
    comments = [await create_comment(app, team.member, each, f"About {each['title']}") for each in (*tasks, part, *pages, inner)]
    file = await upload_file(app, team.member, fileName="plan.pdf", subjectId=tasks[0]["id"])
    await upload_file(app, team.member, fileName="page.pdf", subjectId=inner["id"])
    assert (await verified(app)).is_whole

    await mutate_ok(app, team.member, "taskUpdate", id=tasks[0]["id"], title="Renamed", description=None)
    await mutate_ok(app, team.member, "taskUpdate", id=tasks[1]["id"], status="DONE")
    await mutate(app, team.member, "tasksUpdate", ids=[tasks[2]["id"], tasks[3]["id"]], set={"projectId": project})
    await mutate_ok(app, team.member, "taskMove", id=tasks[0]["id"], projectId=project)
    await mutate_ok(app, team.member, "documentMove", id=pages[0]["id"], projectId=project)
    await mutate_ok(app, team.member, "documentUpdate", id=inner["id"], title="Inmost")
    await mutate_ok(app, team.member, "documentEdit", id=pages[1]["id"], base=1, append="More words.")
    await mutate_ok(app, team.member, "documentSaveVersion", id=pages[1]["id"])
    await mutate_ok(app, team.member, "commentUpdate", id=comments[0]["id"], body="Edited")
    await mutate_ok(app, team.member, "commentDelete", id=comments[1]["id"])
    await mutate_ok(app, team.member, "attachmentDelete", id=file["id"])
    await mutate_ok(app, team.owner, "projectUpdate", id=project, name="Third", description="Described")
    await mutate_ok(app, team.owner, "teamUpdate", id=team.team_id, description="Told")
    await mutate_ok(app, team.member, "taskDelete", id=tasks[1]["id"])
    await mutate_ok(app, team.member, "taskRestore", id=tasks[1]["id"])
    await mutate_ok(app, team.owner, "projectDelete", id=project)
    report = await verified(app)
    assert (report.entries > 20, str(report).splitlines()[1:]) == (True, [])
    assert report.is_whole
    assert ids_of(await search(app, team.member, "more words")) == [pages[1]["id"]]
    assert ids_of(await search(app, other.member, "more words")) == []


async def test_a_task_that_goes_to_another_team_is_found_there_under_both_keys(isolated_app: App) -> None:
    app = isolated_app
    team = await create_sample_team(app)
    other = await mutate_ok(app, team.member, "teamCreate", name="Another team", key="ANO")
    there = await mutate_ok(app, team.member, "projectCreate", teamId=other["id"], name="Elsewhere")
    task = await create_task(app, team, "Wanderer")
    said = await create_comment(app, team.mate, task, "Farewell, wanderer.")
    moved = await mutate_ok(app, team.member, "taskMove", id=task["id"], projectId=there["id"])
    assert (await verified(app)).is_whole
    for query in (moved["key"], task["key"], "wanderer"):
        assert ids_of(await search(app, team.member, query))[0] == task["id"]
    assert set(ids_of(await search(app, team.member, "wanderer"))) == {task["id"], said["id"]}
    assert ids_of(await search(app, team.mate, "wanderer")) == []
    assert ids_of(await search(app, team.mate, task["key"], filter={"types": ["TASK"]})) == []


async def test_an_index_that_was_damaged_is_made_whole(isolated_app: App) -> None:
    app = isolated_app
    team = await create_sample_team(app)
    tasks = [await create_task(app, team, f"Heliotrope {number}") for number in range(3)]
    await app.sql.execute("DELETE FROM search_entries WHERE title_key = 'heliotrope 0'")
    await app.sql.execute("UPDATE search_entries SET tokens = 'nonsense' WHERE title_key = 'heliotrope 1'")
    await app.sql.execute(
        "INSERT INTO search_entries (id, type, project_id, place, title_key, tokens, text_at)"
        " SELECT gen_random_uuid(), type, project_id, place, title_key, tokens, text_at FROM search_entries WHERE title_key = 'heliotrope 2'"
    )
    report = await rebuild.verify(app.resources.database)
    assert (report.missing, report.outdated, report.orphaned) == (1, 1, 1)
    repaired = await rebuild.reindex(app.resources.database)
    assert (repaired.missing, repaired.outdated, repaired.orphaned) == (1, 1, 1)
    assert (await verified(app)).is_whole
    assert set(ids_of(await search(app, team.member, "heliotrope"))) == {each["id"] for each in tasks}


async def test_what_was_there_before_the_index_is_found_once_it_is_worked_off(isolated_app: App) -> None:
    app = isolated_app
    team = await create_sample_team(app)
    task = await create_task(app, team, "Antediluvian")
    await rebuild.work_off_all(app.resources.database)
    await app.sql.execute("TRUNCATE search_entries, search_terms, search_queue")
    assert ids_of(await search(app, team.member, "antediluvian")) == []
    async with app.resources.database.begin() as connection:
        await rebuild.enqueue_all(connection)
    await rebuild.index_all(app.resources.database)
    assert ids_of(await search(app, team.member, "antediluvian")) == [task["id"]]
    assert ids_of(await search(app, team.member, "antediluvain")) == []
    assert await rebuild.count_queued(app.resources.database) > 0
    await rebuild.work_off_all(app.resources.database)
    assert await rebuild.count_queued(app.resources.database) == 0
    assert ids_of(await search(app, team.member, "antediluvian")) == [task["id"]]
    assert ids_of(await search(app, team.member, "antediluvain")) == [task["id"]]


async def test_an_operation_that_changes_no_text_writes_nothing_into_the_index(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, "Unmoved")
    before = await app.sql.fetch("SELECT id, xmin::text FROM search_entries ORDER BY id")
    await mutate_ok(app, team.member, "taskUpdate", id=task["id"], status="IN_REVIEW", assigneeId=team.mate.id)
    await mutate_ok(app, team.member, "taskMove", id=task["id"], status="DONE")
    assert await app.sql.fetch("SELECT id, xmin::text FROM search_entries ORDER BY id") == before


async def test_all_words_of_a_task_are_known_once_the_queue_is_worked_off_however_it_was_changed(isolated_app: App) -> None:
    app, draw = isolated_app, random.Random(3)
    team = await create_sample_team(app)
    parts = [
        "quokka",
        "getQuokkaName",
        "[numbat](user:quoll)",
        "Ёлка",
        "echidna42",
        "bandicoot,",
        "and",
        "12",
        "والكتاب",
        "word " * 300,
    ]

    def text() -> str:
        return " ".join(draw.sample(parts[:-1], 2)) + (parts[-1] if draw.random() < 0.1 else "")

    tasks = [await create_task(app, team, text()[:200]) for _ in range(4)]
    for _ in range(60):
        given = {"description": draw.choice([None, text()])} if draw.random() < 0.5 else {"title": text()[:200]}
        await mutate_ok(app, team.member, "taskUpdate", id=draw.choice(tasks)["id"], **given)
        if draw.random() < 0.2:
            await rebuild.work_off_all(app.resources.database)
    await rebuild.work_off_all(app.resources.database)
    words = {
        row["word"]
        for row in await app.sql.fetch("SELECT DISTINCT unnest(tsvector_to_array(tokens)) AS word FROM search_entries")
        if is_correctable(row["word"])
    }
    known = {row["term"] for row in await app.sql.fetch("SELECT term FROM search_terms")}
    assert len(words) > 6
    assert words <= known


async def test_a_change_without_a_new_word_waits_for_nobody_to_learn_it(isolated_app: App) -> None:
    app = isolated_app
    team = await create_sample_team(app)
    task = await create_task(app, team, "Mend the fence")
    await rebuild.work_off_all(app.resources.database)
    await mutate_ok(app, team.member, "taskUpdate", id=task["id"], title="The fence: mend 42 of it")
    assert await rebuild.count_queued(app.resources.database) == 0
    assert ids_of(await search(app, team.member, "mend 42")) == [task["id"]]
    await mutate_ok(app, team.member, "taskUpdate", id=task["id"], title="Mend the gate")
    assert await rebuild.count_queued(app.resources.database) == 1
