"""A client's cache of a board: an old result of a query, updated by nothing but changes."""

import json
from typing import Any

from tests.support.app import App, Person
from tests.support.subscriptions import current_cursor

BOARD_FRAGMENTS = """
fragment Card on Task {
  __typename id version createdAt updatedAt key url title description status priority startOn dueOn isOverdue completedAt estimate rank
  deletedAt externalRef recurrence project { id } parent { id } assignee { id } creator { id }
  labels(first: 5) { nodes { ...Word } }
  attachments(first: 3) { nodes { id fileName } }
  comments(first: 8) { nodes { ...Remark replies(first: 3) { nodes { ...Remark } } } }
}
fragment Remark on Comment { __typename id version body editedAt resolvedAt parent { id } attachments(first: 1) { nodes { id fileName } } }
fragment Word on Label { __typename id name color }
"""
BOARD_QUERY = f"""
query ($id: ID!, $after: String) {{
  project(id: $id) {{ tasks(first: 12, after: $after) {{ nodes {{ ...Card }} pageInfo {{ hasNextPage endCursor }} }} }}
}}
{BOARD_FRAGMENTS}
"""
_CHANGE_FIELDS = (
    "kind type entityId cursor entity { ...Card ...Remark ...Word ... on Comment { subject { ... on Task { id } } } }"
)
BOARD_CHANGES_QUERY = f"""
query ($after: SyncCursor, $scope: ChangeScope) {{
  changes(after: $after, scope: $scope, first: 11) {{ cursor nodes {{ {_CHANGE_FIELDS} }} pageInfo {{ hasNextPage }} }}
}}
{BOARD_FRAGMENTS}
"""
BOARD_CHANGES_SUBSCRIPTION = f"subscription ($after: SyncCursor, $scope: ChangeScope) {{ changes(after: $after, scope: $scope) {{ {_CHANGE_FIELDS} }} }} {BOARD_FRAGMENTS}"


class BoardCache:
    """What a client holds of one project: cards by id, each with labels and remarks by id."""

    def __init__(self, project_id: str, cursor: str) -> None:
        self.project_id = project_id
        self.cursor = cursor
        self.tasks: dict[str, Any] = {}

    @property
    def ordered_ids(self) -> list[str]:
        """The cards as the board shows them."""
        return sorted(self.tasks, key=lambda each: (self.tasks[each]["rank"], each))

    def store_task(self, task: Any) -> None:
        """A card as a query or a change gives it."""
        remarks = [each for thread in task["comments"]["nodes"] for each in (thread, *thread["replies"]["nodes"])]
        self.tasks[task["id"]] = task | {
            "labels": {each["id"]: each for each in task["labels"]["nodes"]},
            "comments": {each["id"]: _without_replies(each) for each in remarks},
        }

    def apply_change(self, change: Any) -> None:
        """Make of the old what is new; needs no more than a change's kind, type, id and entity."""
        entity, gone = change["entity"], change["entity"] is None or change["kind"] in ("DELETED", "ACCESS_LOST")
        match change["type"]:
            case "Task" if gone or entity["project"]["id"] != self.project_id:
                self.tasks.pop(change["entityId"], None)
            case "Task":
                self.store_task(entity)
            case "Comment" if gone:
                for card in self.tasks.values():
                    card["comments"].pop(change["entityId"], None)
            case "Comment" if card := self.tasks.get(entity["subject"]["id"]):
                card["comments"][entity["id"]] = _without_replies(entity)
            case "Label":
                for card in self.tasks.values():
                    if gone:
                        card["labels"].pop(change["entityId"], None)
                    elif entity["id"] in card["labels"]:
                        card["labels"][entity["id"]] = entity
            case "Project" | "Team" if gone:
                self.tasks.clear()
        self.cursor = change["cursor"]


def _without_replies(comment: Any) -> Any:
    return {name: value for name, value in comment.items() if name not in ("replies", "subject")}


async def load_board(app: App, person: Person, project_id: str) -> BoardCache:
    """The board as it is now, and the cursor after which its changes follow."""
    board, after = BoardCache(project_id, await current_cursor(app, person)), None
    while True:
        found = (await app.run(person, BOARD_QUERY, id=project_id, after=after))["project"]
        if found is None:
            return board
        for card in found["tasks"]["nodes"]:
            board.store_task(card)
        if not found["tasks"]["pageInfo"]["hasNextPage"]:
            return board
        after = found["tasks"]["pageInfo"]["endCursor"]


async def catch_up(app: App, person: Person, board: BoardCache, scope: Any = None) -> int:
    """Apply the changes since the board's cursor; returns how many."""
    count = 0
    while True:
        found = (await app.run(person, BOARD_CHANGES_QUERY, after=board.cursor, scope=scope))["changes"]
        for change in found["nodes"]:
            board.apply_change(json.loads(json.dumps(change)))
        count += len(found["nodes"])
        board.cursor = found["cursor"]
        if not found["pageInfo"]["hasNextPage"]:
            return count
