"""Files of Trello, GitHub, Jira and Linear are imported, and what has no place here is named."""

import json
from pathlib import Path
from typing import Any

from tests.support.office import Office

SAMPLES = Path(__file__).parent / "samples"
TITLES = "query ($id: ID!) { team(id: $id) { projects(first: 3) { nodes { name tasks(first: 10) { nodes { title status priority dueOn externalRef parent { title } labels(first: 5) { nodes { name } } assignee { id } comments(first: 5) { nodes { body } } } } } } } }"


async def imported(office: Office, sample: str | bytes, format_: str) -> tuple[Any, list[Any]]:
    """The job of an import of a sample, by its name or its content, and the projects that it made."""
    copy = await office.copy_team()
    content = sample if isinstance(sample, bytes) else (SAMPLES / sample).read_bytes()
    content = content.replace(b"mate@example.com", office.team.mate.user.email_address.encode())
    done = await office.import_(office.team.owner, copy, content, format_)
    assert done["state"] == "SUCCEEDED", (done["message"], done["issues"])
    return done, (await office.app.run(office.team.owner, TITLES, id=copy))["team"]["projects"]["nodes"]


def task_of(project: Any, title: str) -> Any:
    (found,) = [each for each in project["tasks"]["nodes"] if each["title"] == title]
    return found


async def test_a_board_of_trello_becomes_a_project(office: Office) -> None:
    _, (project,) = await imported(office, "trello.json", "TRELLO_JSON")
    assert project["name"] == "Website relaunch"
    draft = task_of(project, "Draft the home page")
    assert (draft["status"], draft["dueOn"], [each["name"] for each in draft["labels"]["nodes"]]) == (
        "IN_PROGRESS",
        "2026-11-20",
        ["Design"],
    )
    assert [each["body"] for each in draft["comments"]["nodes"]] == ["First version is in the folder."]
    assert [each["status"] for each in project["tasks"]["nodes"]] == ["IN_PROGRESS", "TODO", "DONE", "CANCELED"]


async def test_issues_of_github_become_tasks_and_pull_requests_do_not(office: Office) -> None:
    done, (project,) = await imported(office, "github.json", "GITHUB_JSON")
    assert project["name"] == "website"
    assert {each["title"]: each["status"] for each in project["tasks"]["nodes"]} == {
        "Crash on empty cart": "TODO",
        "Typo on the start page": "DONE",
        "Support Gopher": "CANCELED",
    }
    assert task_of(project, "Crash on empty cart")["externalRef"] == "https://github.com/acme/website/issues/7"
    assert any("octocat" in each["message"] for each in done["issues"])


async def test_issues_of_jira_become_tasks(office: Office) -> None:
    _, (project,) = await imported(office, "jira.csv", "JIRA_CSV")
    assert project["name"] == "Web shop"
    part = task_of(project, "Write the text; then translate it")
    assert (part["parent"]["title"], part["status"], part["priority"]) == ("Checkout redesign", "IN_PROGRESS", "HIGH")
    assert sorted(each["name"] for each in part["labels"]["nodes"]) == ["Sub-task", "copy", "i18n"]
    assert part["assignee"] == {"id": office.team.mate.id}
    assert [each["body"] for each in part["comments"]["nodes"]] == ["Please; not on a Friday.\nThanks!"]


async def test_issues_of_linear_become_tasks(office: Office) -> None:
    _, projects = await imported(office, "linear.csv", "LINEAR_CSV")
    (project,) = [each for each in projects if each["name"] == "Mobile"]
    done = task_of(project, "Push, then pull")
    assert (done["status"], done["priority"], done["externalRef"]) == ("DONE", "URGENT", "MOB-2")
    assert task_of(project, "Haptics")["parent"]["title"] == "Push, then pull"


# ── nothing is left out without a word ────────────────────────────────────────────────────────────────────────────────


def messages_of(done: Any) -> list[str]:
    return [each["message"] for each in done["issues"]]


async def test_lists_of_a_board_that_are_no_status_become_labels_and_files_links(office: Office) -> None:
    lists = [
        {"id": "a", "name": "Waiting"},
        {"id": "b", "name": "waiting"},
        {"id": "c", "name": "Design"},
        {"id": "d", "name": "DONE"},
    ]
    card = {"name": "One", "idList": "a", "idMembers": ["m", "n"], "customFieldItems": [{}], "desc": "    code\n\ntext"}
    card["attachments"] = [{"name": "a [1].pdf", "url": "https://trello.example/1/a (1).pdf"}, {"name": "x"}]
    cards = [{"id": "1", **card}, *({"id": each, "name": each, "idList": each} for each in "bcd")]
    board = {"name": "B", "lists": lists, "cards": cards, "labels": [{"id": "l", "name": "Design"}]}
    done, (project,) = await imported(office, json.dumps(board).encode(), "TRELLO_JSON")
    labels = {each["title"]: [label["name"] for label in each["labels"]["nodes"]] for each in project["tasks"]["nodes"]}
    assert labels == {"One": ["Waiting"], "b": ["Waiting"], "c": ["Design"], "d": []}
    assert {each["title"]: each["status"] for each in project["tasks"]["nodes"]} == {
        "One": "TODO",
        "b": "TODO",
        "c": "TODO",
        "d": "DONE",
    }
    written = await office.app.sql.fetchval("SELECT description FROM tasks WHERE title = 'One' ORDER BY created_at DESC LIMIT 1")
    assert written == "    code\n\ntext\n\n### Attachments\n\n- [a \\[1\\].pdf](<https://trello.example/1/a%20(1).pdf>)"
    told = messages_of(done)
    assert "Waiting is no status or priority of ours, and is kept as a label." in told
    assert "Custom fields of cards are left out." in told
    assert "Of the members of a card the first is its assignee; the others are left out." in told


async def test_columns_statuses_and_priorities_that_are_not_ours_are_named(office: Office) -> None:
    table = (
        "Summary,Issue key,Status,Priority,Description,Sprint,Votes,Environment\n"
        'One,K-1,Waiting for customer,P1,"    code\n\ntext ",Sprint 4,,\n'
        "Two,K-2,Done,High,,Sprint 5,,x\n"
        "Three,K-3,WAITING FOR CUSTOMER,,,,,\n"
        'Four,K-4,"On\n hold",,,,,\n'
    )
    done, (project,) = await imported(office, table.encode(), "JIRA_CSV")
    told = messages_of(done)
    assert "Columns that are not imported: Sprint, Environment." in told
    assert "Waiting for customer is no status or priority of ours, and is kept as a label." in told
    assert "P1 is no status or priority of ours, and is kept as a label." in told
    one = task_of(project, "One")
    assert (one["status"], one["priority"], sorted(each["name"] for each in one["labels"]["nodes"])) == (
        "TODO",
        "NONE",
        ["P1", "Waiting for customer"],
    )
    assert [each["name"] for each in task_of(project, "Four")["labels"]["nodes"]] == ["On hold"]
    assert (task_of(project, "Two")["status"], task_of(project, "Two")["labels"]["nodes"]) == ("DONE", [])
    written = await office.app.sql.fetchval("SELECT description FROM tasks WHERE title = 'One' ORDER BY created_at DESC LIMIT 1")
    assert written == "    code\n\ntext "


async def test_what_an_issue_of_github_has_beside_is_named(office: Office) -> None:
    people = [{"login": "octocat"}, {"login": "hubot"}]
    issue = {"number": 1, "title": "One", "state": "open", "assignees": people, "comments": 3, "milestone": {"title": "1.0"}}
    done, _ = await imported(office, json.dumps([issue]).encode(), "GITHUB_JSON")
    assert {
        "The file says how many comments issues have, but does not hold them.",
        "Of the assignees of an issue the first is kept; the others are left out.",
        "Milestones are left out.",
    } <= set(messages_of(done))
