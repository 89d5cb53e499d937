"""Tasks through the graph."""

from tests.app import App
from tests.people import People

CREATE = """
mutation ($input: TaskCreateInput!) {
  taskCreate(input: $input) {
    clientMutationId cursor
    errors { __typename code path message }
    task { id key title status priority version rank assignee { id displayName } project { name team { key } } viewerCan }
    taskEdge { cursor node { id } }
  }
}
"""

BOARD = """
query ($id: ID!, $first: Int) {
  project(id: $id) {
    name
    tasks(first: $first) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        key title project { id name } assignee { displayName }
        labels { nodes { name } }
        comments(first: 3) { nodes { body author { displayName } } }
      }
    }
  }
}
"""


async def test_a_member_writes_a_task_down(app: App, team: People) -> None:
    data = await app.run(
        team.member,
        CREATE,
        input={"projectId": team.project_id, "title": "Write it", "assigneeId": team.mate.id, "clientMutationId": "a"},
    )
    payload = data["taskCreate"]
    assert payload["errors"] == []
    assert payload["clientMutationId"] == "a"
    assert payload["cursor"]
    task = payload["task"]
    assert task["title"] == "Write it"
    assert task["key"] == f"{team.team.key}-1"
    assert task["status"] == "TODO"
    assert task["priority"] == "NONE"
    assert task["version"] == 1
    assert task["assignee"] == {"id": team.mate.id, "displayName": "Mate Tester"}
    assert task["project"] == {"name": "Launch", "team": {"key": team.team.key}}
    assert task["viewerCan"] == ["READ", "COMMENT", "CREATE", "UPDATE", "ASSIGN", "MOVE", "DELETE"]
    assert payload["taskEdge"]["node"]["id"] == task["id"]


async def test_a_board_costs_one_statement_a_relation(app: App, team: People) -> None:
    for number in range(50):
        await app.run(team.member, CREATE, input={"projectId": team.project_id, "title": f"Task {number}"})
    data, statements = await app.statements(team.member, BOARD, id=team.project_id, first=50)
    assert len(data["project"]["tasks"]["nodes"]) == 50
    assert data["project"]["tasks"]["totalCount"] == 50
    assert statements == 6
