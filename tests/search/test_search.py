"""Searching: what is found, in which order, and how it is shown."""

import pytest

from persistence.search.rebuild import work_off_all
from tests.support.app import App
from tests.support.graph_actions import create_comment, create_document, create_label, create_project, create_task, mutate_ok
from tests.support.searching import ALL_FACETS, ids_of, on_both_indexes, search
from tests.support.teams import SampleTeam

pytestmark = on_both_indexes


async def test_what_is_written_is_found_at_once(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, "Repair the flux capacitor", description="It **hums** when cold.")
    assert ids_of(await search(app, team.mate, "flux")) == [task["id"]]
    assert ids_of(await search(app, team.mate, "hums")) == [task["id"]]
    await mutate_ok(app, team.member, "taskUpdate", id=task["id"], title="Replace the dynamo")
    assert ids_of(await search(app, team.mate, "flux")) == []
    assert ids_of(await search(app, team.mate, "dynamo")) == [task["id"]]
    said = await create_comment(app, team.mate, task, "The quokka agrees.")
    assert ids_of(await search(app, team.member, "quokka")) == [said["id"]]
    page = await create_document(app, team, "Handbook of marmots", content="# Burrows\n\nDig them in spring.")
    assert ids_of(await search(app, team.mate, "marmots")) == [page["id"]]
    assert ids_of(await search(app, team.mate, "burrows")) == [page["id"]]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Fix the école sign", "ecole"),
        ("Fix the ecole sign", "ÉCOLE"),
        ("Die Straße sperren", "strasse"),
        ("Die STRASSE sperren", "straße"),
        ("Ο Σίσυφος ανεβαίνει", "ΣΊΣΥΦΟΣ"),
        ("Ο ΣΙΣΥΦΟΣ ανεβαίνει", "σίσυφος"),
        ("Ｆｕｌｌ width", "full"),
        ("full width", "ＦＵＬＬ"),
        ("cafe\u0301 noir", "café"),
        ("café noir", "cafe\u0301"),
        ("Łódź depot", "lodz"),
        ("全文検索を直す", "検索"),
        ("全文検索を直す", "全文検索"),
        ("全文検索を直す", "直"),
        ("ｶﾀｶﾅ検索", "カタカナ"),
        ("修复搜索功能的错误", "搜索功能"),
        ("한국어 검색을 고치기", "검색"),
        ("إصلاح المشروع الكبير", "المشروع"),
        ("إصلاح المشروع الكبير", "مشروع"),
        ("اصلاح مَشْروع", "مشروع"),
        ("हिन्दी में खोज", "हिन्दी"),
        ("ค้นหาข้อความ", "ข้อความ"),
        ("Call foo_bar.baz() twice", "foo_bar.baz()"),
        ("Call foo_bar.baz() twice", "baz"),
        ("Rename getUserName in the client", "username"),
        ("Ask ada.lovelace+test@example.org", "ada.lovelace+test@example.org"),
        ("Ask ada.lovelace+test@example.org", "lovelace"),
        ("Checklist for the launch", "check"),
        ("Two categories of errors", "category"),
        ("The category of an error", "categories"),
        ("Version v1.2.3 is out", "v1.2"),
        ("C++ and C# and .NET", ".net"),
    ],
)
async def test_a_text_is_found_by_what_people_type(app: App, team: SampleTeam, text: str, query: str) -> None:
    task = await create_task(app, team, text)
    await create_task(app, team, "Something else entirely")
    assert ids_of(await search(app, team.mate, query)) == [task["id"]]


async def test_a_word_is_found_from_its_first_letter_on(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, "The xylophone checklist")
    for length in range(1, len("xylophone") + 1):
        assert task["id"] in ids_of(await search(app, team.mate, "xylophone"[:length]))
    assert ids_of(await search(app, team.mate, "xylo ")) == []


async def test_a_key_comes_first_however_it_is_written(app: App, team: SampleTeam) -> None:
    task = await create_task(app, team, "Sharpen the pencils")
    other = await create_task(app, team, f"Blocked by {task['key']}")
    key, number = task["key"].split("-")
    for query in (
        task["key"],
        task["key"].lower(),
        f"{key.lower()} {number}",
        f"{key}{number}" if not key[-1].isdigit() else task["key"],
    ):
        found = await search(app, team.mate, query)
        assert ids_of(found)[0] == task["id"]
    assert ids_of(await search(app, team.mate, task["key"])) == [task["id"], other["id"]]


async def test_a_phrase_is_found_only_where_its_words_stand_side_by_side(app: App, team: SampleTeam) -> None:
    together = await create_task(app, team, "Green tea for everyone")
    apart = await create_task(app, team, "Tea from green leaves")
    assert set(ids_of(await search(app, team.mate, "green tea"))) == {together["id"], apart["id"]}
    assert ids_of(await search(app, team.mate, "green tea"))[0] == together["id"]
    assert ids_of(await search(app, team.mate, '"green tea"')) == [together["id"]]


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("tempreature", "temperature"),
        ("temprature", "temperature"),
        ("tsak", "task"),
        ("sensr", "sensor"),
        ("tempertaure sesnor", "temperature sensor"),
    ],
)
async def test_typing_errors_are_corrected_and_the_correction_is_told(app: App, team: SampleTeam, query: str, meant: str) -> None:
    task = await create_task(app, team, "Temperature sensor task")
    await work_off_all(app.resources.database)
    found = await search(app, team.mate, query)
    assert ids_of(found) == [task["id"]]
    assert found["suggestion"] == meant


async def test_people_and_teams_and_projects_are_found_by_their_names(app: App, team: SampleTeam) -> None:
    found = await search(app, team.member, f"{team.mate.user.first_name} {team.mate.user.last_name} ")
    assert ids_of(found) == [team.mate.id]
    assert ids_of(await search(app, team.member, team.mate.user.email_address)) == [team.mate.id]
    assert ids_of(await search(app, team.member, team.team.name)) == [team.team_id]
    project = await create_project(app, team, "Operation Walrus")
    assert ids_of(await search(app, team.member, "walrus")) == [project]


async def test_matches_are_marked_and_nothing_else_is(app: App, team: SampleTeam) -> None:
    await create_task(
        app, team, "<b>École\ue000</b> & more", description="The [école](https://example.org/?a=<script>) is closed."
    )
    (edge,) = (await search(app, team.mate, "ecole"))["edges"]
    assert edge["highlights"] == [
        {"field": "title", "fragments": ["<b>\ue000École\ue001</b> & more"]},
        {"field": "description", "fragments": ["The [\ue000école\ue001](https://example.org/?a=<script>) is closed."]},
    ]


async def test_results_are_narrowed_and_counted(app: App, team: SampleTeam) -> None:
    label = await create_label(app, team.owner, team.team_id, "urgent")
    mine = await create_task(
        app, team, "Paint the fence", assigneeId=team.mate.id, labelIds=[label], status="DONE", priority="HIGH"
    )
    other = await create_task(app, team, "Paint the gate")
    said = await create_comment(app, team.member, other, "Paint is out of stock.")
    everything = {mine["id"], other["id"], said["id"]}
    assert set(ids_of(await search(app, team.mate, "paint"))) == everything
    for filter_, wanted in (
        ({"types": ["TASK"]}, {mine["id"], other["id"]}),
        ({"types": []}, set()),
        ({"assigneeIds": [team.mate.id]}, {mine["id"]}),
        ({"labelIds": [label]}, {mine["id"]}),
        ({"statuses": ["DONE"]}, {mine["id"]}),
        ({"projectIds": [team.project_id]}, everything),
        ({"teamIds": [team.team_id]}, everything),
        ({"updatedAt": {"after": "2020-01-01T00:00:00Z"}}, everything),
        ({"updatedAt": {"before": "2020-01-01T00:00:00Z"}}, set()),
    ):
        found = await search(app, team.mate, "paint", filter=filter_)
        assert (filter_, set(ids_of(found)), found["totalCount"]) == (filter_, wanted, len(wanted))
    found = await search(app, team.mate, "paint", facets=ALL_FACETS)
    counted = {each["field"]: {bucket["value"]: bucket["count"] for bucket in each["buckets"]} for each in found["facets"]}
    assert counted == {
        "TYPE": {"TASK": 2, "COMMENT": 1},
        "TEAM": {team.team_id: 3},
        "PROJECT": {team.project_id: 3},
        "STATUS": {"DONE": 1, "TODO": 1},
        "PRIORITY": {"HIGH": 1, "NONE": 1},
        "ASSIGNEE": {team.mate.id: 1},
        "LABEL": {label: 1},
        "AUTHOR": {team.member.id: 3},
        "UPDATED": {"P1D": 3, "P7D": 3, "P30D": 3, "P365D": 3},
    }


@pytest.mark.parametrize("order", ["RELEVANCE", "UPDATED_AT"])
async def test_pages_neither_repeat_nor_skip_though_others_write_between_them(app: App, team: SampleTeam, order: str) -> None:
    made = [(await create_task(app, team, f"Walnut number {number} {'walnut ' * (number % 4)}"))["id"] for number in range(23)]
    read: list[str] = []
    after = None
    while True:
        found = await search(app, team.mate, "walnut", orderBy=order, first=5, after=after)
        read += ids_of(found)
        if not found["pageInfo"]["hasNextPage"]:
            break
        after = found["pageInfo"]["endCursor"]
        await create_task(app, team, "Walnut of the latest harvest")
    assert [each for each in read if each in made] == list(dict.fromkeys(each for each in read if each in made))
    assert set(made) <= set(read)


@pytest.mark.parametrize(
    ("first", "last", "queries"),
    [
        ("太郎", "山田", ["山田", "太郎", "山田太郎", "太郎 山田"]),
        ("فاطمة", "علي", ["فاطمه", "فاطمة", "عَلِي"]),
        ("Zoë", "O’Brien-Łukasz", ["zoe", "brien", "o'brien", "ŁUKASZ", "lukasz zoe", "ｚｏｅ"]),
        ("Σίσυφος", "Weiß", ["ΣΙΣΥΦΟΣ", "weiss", "WEISS"]),
    ],
)
async def test_people_are_found_by_names_of_any_script(
    app: App, team: SampleTeam, first: str, last: str, queries: list[str]
) -> None:
    await mutate_ok(app, team.mate, "userUpdate", firstName=first, lastName=last)
    for query in queries:
        assert (query, ids_of(await search(app, team.member, query, filter={"types": ["USER"]}))) == (query, [team.mate.id])
