"""A client's board: an old result of a query, kept new by nothing but changes."""

import json
from typing import Any

from tests.app import App, Person
from tests.listening import now

TASK = """
fragment Card on Task {
  __typename id version createdAt updatedAt key url title description status priority startOn dueOn isOverdue completedAt estimate rank
  deletedAt externalRef project { id } parent { id } assignee { id } creator { id }
  labels(first: 5) { nodes { ...Word } }
  attachments(first: 3) { nodes { id fileName } }
  comments(first: 8) { nodes { ...Remark replies(first: 3) { nodes { ...Remark } } } }
}
fragment Remark on Comment { __typename id version body editedAt resolvedAt parent { id } attachments(first: 1) { nodes { id fileName } } }
fragment Word on Label { __typename id name color }
"""
BOARD = f"""
query ($id: ID!, $after: String) {{
  project(id: $id) {{ tasks(first: 12, after: $after) {{ nodes {{ ...Card }} pageInfo {{ hasNextPage endCursor }} }} }}
}}
{TASK}
"""
_CHANGE = "kind type entityId cursor entity { ...Card ...Remark ...Word ... on Comment { subject { ... on Task { id } } } }"
CHANGES = f"""
query ($after: SyncCursor, $scope: ChangeScope) {{
  changes(after: $after, scope: $scope, first: 12) {{ cursor nodes {{ {_CHANGE} }} pageInfo {{ hasNextPage }} }}
}}
{TASK}
"""
FOLLOW = (
    f"subscription ($after: SyncCursor, $scope: ChangeScope) {{ changes(after: $after, scope: $scope) {{ {_CHANGE} }} }} {TASK}"
)


class Board:
    """What a client holds of one project: cards by id, each with labels and remarks by id."""

    def __init__(self, project_id: str, cursor: str) -> None:
        self.project_id = project_id
        self.cursor = cursor
        self.cards: dict[str, Any] = {}

    @property
    def order(self) -> list[str]:
        """The cards as the board shows them."""
        return sorted(self.cards, key=lambda each: (self.cards[each]["rank"], each))

    def put(self, card: Any) -> None:
        """A card as a query or a change gives it."""
        remarks = [each for thread in card["comments"]["nodes"] for each in (thread, *thread["replies"]["nodes"])]
        self.cards[card["id"]] = card | {
            "labels": {each["id"]: each for each in card["labels"]["nodes"]},
            "comments": {each["id"]: _alone(each) for each in remarks},
        }

    def apply(self, change: Any) -> None:
        """Make of the old what is new; needs no more than a change's kind, type, id and entity."""
        entity, gone = change["entity"], change["entity"] is None or change["kind"] in ("DELETED", "ACCESS_LOST")
        match change["type"]:
            case "Task" if gone or entity["project"]["id"] != self.project_id:
                self.cards.pop(change["entityId"], None)
            case "Task":
                self.put(entity)
            case "Comment" if gone:
                for card in self.cards.values():
                    card["comments"].pop(change["entityId"], None)
            case "Comment" if card := self.cards.get(entity["subject"]["id"]):
                card["comments"][entity["id"]] = _alone(entity)
            case "Label":
                for card in self.cards.values():
                    if gone:
                        card["labels"].pop(change["entityId"], None)
                    elif entity["id"] in card["labels"]:
                        card["labels"][entity["id"]] = entity
            case "Project" | "Team" if gone:
                self.cards.clear()
        self.cursor = change["cursor"]


def _alone(remark: Any) -> Any:
    return {name: value for name, value in remark.items() if name not in ("replies", "subject")}


async def load(app: App, person: Person, project_id: str) -> Board:
    """The board as it is now, and a cursor from which on its changes are told."""
    board, after = Board(project_id, await now(app, person)), None
    while True:
        found = (await app.run(person, BOARD, id=project_id, after=after))["project"]
        if found is None:
            return board
        for card in found["tasks"]["nodes"]:
            board.put(card)
        if not found["tasks"]["pageInfo"]["hasNextPage"]:
            return board
        after = found["tasks"]["pageInfo"]["endCursor"]


async def catch_up(app: App, person: Person, board: Board, scope: Any = None) -> int:
    """Apply what the query tells since the board's cursor; how many changes that were."""
    count = 0
    while True:
        found = (await app.run(person, CHANGES, after=board.cursor, scope=scope))["changes"]
        for change in found["nodes"]:
            board.apply(json.loads(json.dumps(change)))
        count += len(found["nodes"])
        board.cursor = found["cursor"]
        if not found["pageInfo"]["hasNextPage"]:
            return count
