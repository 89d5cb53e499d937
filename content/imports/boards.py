"""Reads a board that Trello exported as JSON, and issues as GitHub's API and its command line write them."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from content.imports import words
from content.imports.left_out import LeftOut
from domain.errors import Invalid
from domain.job import TransferFormat

Rows = Iterator[tuple[int, dict[str, Any]]]
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{24}")
_TRELLO_COLORS: Final[Mapping[str, str]] = {
    "green": "#61bd4f",
    "yellow": "#f2d600",
    "orange": "#ff9f1a",
    "red": "#eb5a46",
    "purple": "#c377e0",
    "blue": "#0079bf",
    "sky": "#00c2e0",
    "lime": "#51e898",
    "pink": "#ff78cb",
    "black": "#344563",
}
_BRACKETS: Final = re.compile(r"[\\\[\]`*_<]")
_REPOSITORY: Final = re.compile(r"/repos/([^/]+/[^/]+)$|github\.com/([^/]+/[^/]+)/issues/")


def read_board(format_: TransferFormat, content: bytes, left_out: LeftOut) -> Rows:
    """The records of a file. Rows are numbered as cards, or issues, come; 0 is the file itself. Raises Invalid."""
    try:
        whole = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Invalid(("file",), f"This is not JSON: {error}.") from error
    try:
        yield from _trello(whole, left_out) if format_ is TransferFormat.TRELLO_JSON else _github(whole, left_out)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Invalid(("file",), f"This does not have the form that it should: {type(error).__name__} {error}.") from error


def _trello(board: Any, left_out: LeftOut) -> Rows:
    lists = {each["id"]: each["name"] for each in board["lists"]}
    checklists, comments = defaultdict(list), defaultdict(list)
    for each in board.get("checklists") or ():
        checklists[each["idCard"]].append(each)
    for action in board.get("actions") or ():
        if action.get("type") == "commentCard":
            comments[action["data"]["card"]["id"]].append(action)
    yield 0, {"type": "Project", "id": "board", "name": board["name"], "description": board.get("desc")}
    for member in board.get("members") or ():
        yield 0, {"type": "User", "id": member["id"], "firstName": member.get("fullName") or member.get("username")}
    for label in board.get("labels") or ():
        name = label.get("name") or label.get("color") or "label"
        color = _TRELLO_COLORS.get(str(label.get("color") or "").partition("_")[0])
        yield 0, {"type": "Label", "id": label["id"], "name": name, "color": color}
    known = {each["id"] for each in board.get("labels") or ()}
    unknown = {id_: words.label_name(name) for id_, name in lists.items() if not words.has_status(name)}
    for id_, name in unknown.items():
        left_out.add(0, words.kept_as_label(name))
        yield 0, {"type": "Label", "id": f"list {id_}", "name": name}
    for row, card in enumerate(sorted(board["cards"], key=lambda each: each.get("pos") or 0), start=1):
        done = bool(card.get("dueComplete"))
        at = words.instant(card.get("dateLastActivity"))
        status = "DONE" if done else words.status(lists.get(card["idList"], ""))
        labels = [each for each in card.get("idLabels") or () if each in known]
        labels += [f"list {card['idList']}"] if card["idList"] in unknown else []
        if len(card.get("idMembers") or ()) > 1:
            left_out.add(row, "Of the members of a card the first is its assignee; the others are left out.")
        if card.get("customFieldItems"):
            left_out.add(row, "Custom fields of cards are left out.")
        if card.get("closed") and status not in ("DONE", "CANCELED"):
            status = "CANCELED"
        yield (
            row,
            {
                "type": "Task",
                "id": card["id"],
                "projectId": "board",
                "title": card["name"],
                "description": _description(card, checklists[card["id"]]),
                "status": status,
                "assigneeId": next(iter(card.get("idMembers") or ()), None),
                "labelIds": labels,
                "startOn": words.day(card.get("start")),
                "dueOn": words.day(card.get("due")),
                "externalRef": card.get("shortUrl") or card.get("shortLink"),
                "completedAt": at if status in ("DONE", "CANCELED") else None,
                "createdAt": _made_at(card["id"]) or at,
                "updatedAt": at,
            },
        )
        for action in reversed(comments[card["id"]]):
            author = (action.get("memberCreator") or {}).get("id")
            said = {"authorId": author, "body": action["data"]["text"], "createdAt": words.instant(action.get("date"))}
            yield row, {"type": "Comment", "id": action["id"], "subjectId": card["id"], **said}


def _description(card: Any, checklists: list[Any]) -> str:
    """The text of a card, with its checklists, and links to its files, which the export does not hold."""
    written = card.get("desc") or ""
    parts = [written.rstrip()] if written.strip() else []
    for each in checklists:
        items = sorted(each.get("checkItems") or (), key=lambda item: item.get("pos") or 0)
        lines = [f"- [{'x' if item.get('state') == 'complete' else ' '}] {item['name']}" for item in items]
        parts.append("\n".join([f"### {each['name']}", "", *lines]))
    files = [f"- {_link(each)}" for each in card.get("attachments") or () if each.get("url")]
    if files:
        parts.append("\n".join(["### Attachments", "", *files]))
    return "\n\n".join(parts)


def _link(file: Any) -> str:
    name = _BRACKETS.sub(r"\\\g<0>", " ".join(str(file.get("name") or file["url"]).split()))
    address = "".join(f"%{ord(each):02X}" if each in "<>\\ \t\r\n" else each for each in str(file["url"]))
    return f"[{name}](<{address}>)"


def _made_at(object_id: str) -> str | None:
    """Trello's ids begin with the second in which they were made."""
    if not _OBJECT_ID.fullmatch(object_id):
        return None
    return datetime.fromtimestamp(int(object_id[:8], 16), UTC).isoformat()


def _github(issues: Any, left_out: LeftOut) -> Rows:
    if not isinstance(issues, list):
        raise Invalid(("file",), "GitHub's issues are a list.")
    projects: set[str] = set()
    for row, issue in enumerate(issues, start=1):
        if issue.get("pull_request") is not None:
            continue
        found = _REPOSITORY.search(issue.get("repository_url") or issue.get("html_url") or issue.get("url") or "")
        project = (found and (found[1] or found[2])) or "GitHub"
        if project not in projects:
            projects.add(project)
            yield 0, {"type": "Project", "id": project, "name": project.rpartition("/")[2]}
        labels = issue.get("labels") or []
        for label in labels:
            color = f"#{label['color'].lower()}" if label.get("color") else None
            yield row, {"type": "Label", "id": label["name"], "name": label["name"], "color": color}
        author = _login(issue.get("user") or issue.get("author"))
        assignee = next((_login(each) for each in issue.get("assignees") or ()), None)
        said = issue.get("comments") if isinstance(issue.get("comments"), list) else []
        if issue.get("comments") and not said:
            left_out.add(row, "The file says how many comments issues have, but does not hold them.")
        if len(issue.get("assignees") or ()) > 1:
            left_out.add(row, "Of the assignees of an issue the first is kept; the others are left out.")
        if issue.get("milestone"):
            left_out.add(row, "Milestones are left out.")
        for person in {author, assignee, *(_login(each.get("user") or each.get("author")) for each in said)} - {None}:
            yield row, {"type": "User", "id": person, "firstName": person}
        closed = issue["state"].lower() == "closed"
        reason = str(issue.get("state_reason") or issue.get("stateReason") or "").lower()
        identity = f"{project}#{issue['number']}"
        yield (
            row,
            {
                "type": "Task",
                "id": identity,
                "projectId": project,
                "number": issue["number"],
                "title": issue["title"],
                "description": issue.get("body"),
                "status": ("CANCELED" if reason == "not_planned" else "DONE") if closed else "TODO",
                "assigneeId": assignee,
                "creatorId": author,
                "labelIds": [each["name"] for each in labels],
                "externalRef": issue.get("html_url") or issue.get("url"),
                "completedAt": words.instant(issue.get("closed_at") or issue.get("closedAt")),
                "createdAt": words.instant(issue.get("created_at") or issue.get("createdAt")),
                "updatedAt": words.instant(issue.get("updated_at") or issue.get("updatedAt")),
            },
        )
        for index, comment in enumerate(said):
            yield (
                row,
                {
                    "type": "Comment",
                    "id": str(comment.get("id") or f"{identity} comment {index}"),
                    "subjectId": identity,
                    "authorId": _login(comment.get("user") or comment.get("author")),
                    "body": comment["body"],
                    "createdAt": words.instant(comment.get("created_at") or comment.get("createdAt")),
                },
            )


def _login(person: Any) -> str | None:
    return person.get("login") if person else None
