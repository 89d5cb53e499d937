"""What is asked: four operations in the words of each kind of server, and what of their answers must be the same."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from benchmarks.database import Target, Targets


class Dialect(StrEnum):
    """How a server words our graph."""

    OURS = "ours"  # schema/schema.graphql: global ids
    PLAIN = "plain"  # the same fields, ids are UUIDs
    POSTGRAPHILE = "postgraphile"  # made from the tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One operation. `writes`: each call changes a row."""

    name: str
    title: str
    type: str
    operation: str
    document: str
    postgraphile: str
    writes: bool = False

    def targets(self, all_targets: Targets) -> list[Target]:
        """The objects that are asked for."""
        return {"Task": all_targets.tasks, "Project": all_targets.projects, "Team": all_targets.teams}[self.type]

    def body(self, dialect: Dialect, id: UUID) -> str:
        """The request for one object; `load/post.lua` fills in @N@ and @S@."""
        document = self.postgraphile if dialect is Dialect.POSTGRAPHILE else self.document
        encoded_id = base64.b64encode(f"{self.type}:{id}".encode()).decode() if dialect is Dialect.OURS else str(id)
        variables: dict[str, Any] = {"id": encoded_id}
        if self.writes:
            variables = {"input": {"id": encoded_id, "title": "Measured @N@", "status": "@S@"}}
            if dialect is Dialect.POSTGRAPHILE:
                variables["input"] = {"taskId": encoded_id, "title": "Measured @N@", "status": "@S@"}
        return json.dumps({"query": document, "variables": variables, "operationName": self.operation}, separators=(",", ":"))


def _one_line(text: str) -> str:
    return " ".join(text.split())


Q1 = Workload(
    name="Q1",
    title="a task with its assignee and project",
    type="Task",
    operation="OneTask",
    document=_one_line("""
        query OneTask($id: ID!) {
          task(id: $id) {
            id key title status priority dueOn updatedAt
            assignee { id firstName lastName }
            project { id name status }
          }
        }"""),
    postgraphile=_one_line("""
        query OneTask($id: UUID!) {
          task: taskByRowId(rowId: $id) {
            id: rowId key title status priority dueOn updatedAt
            assignee: userByAssigneeUserId { id: rowId firstName lastName }
            project: projectByProjectId { id: rowId name status }
          }
        }"""),
)

Q2 = Workload(
    name="Q2",
    title="a project with 50 tasks and their assignees",
    type="Project",
    operation="Board",
    document=_one_line("""
        query Board($id: ID!) {
          project(id: $id) {
            id name status
            tasks(first: 50) {
              nodes { id key title status priority dueOn updatedAt assignee { id firstName lastName } }
            }
          }
        }"""),
    postgraphile=_one_line("""
        query Board($id: UUID!) {
          project: projectByRowId(rowId: $id) {
            id: rowId name status
            tasks: tasksByProjectId(first: 50, orderBy: RANK_ASC, condition: {deletedAt: null}) {
              nodes {
                id: rowId key title status priority dueOn updatedAt
                assignee: userByAssigneeUserId { id: rowId firstName lastName }
              }
            }
          }
        }"""),
)

Q3 = Workload(
    name="Q3",
    title="a team with 10 members, 5 projects × 20 tasks × 3 comments with their authors",
    type="Team",
    operation="Overview",
    document=_one_line("""
        query Overview($id: ID!) {
          team(id: $id) {
            id name key
            members(first: 10) { nodes { id firstName lastName } }
            projects(first: 5) {
              nodes {
                id name status
                tasks(first: 20) {
                  nodes {
                    id key title status
                    comments(first: 3) { nodes { id body createdAt author { id firstName lastName } } }
                  }
                }
              }
            }
          }
        }"""),
    postgraphile=_one_line("""
        query Overview($id: UUID!) {
          team: teamByRowId(rowId: $id) {
            id: rowId name key
            members: teamMembersByTeamId(first: 10) { nodes { userByUserId { id: rowId firstName lastName } } }
            projects: projectsByTeamId(first: 5) {
              nodes {
                id: rowId name status
                tasks: tasksByProjectId(first: 20, orderBy: RANK_ASC, condition: {deletedAt: null}) {
                  nodes {
                    id: rowId key title status
                    comments(first: 3, orderBy: CREATED_AT_ASC, condition: {parentId: null}) {
                      nodes { id: rowId body createdAt author: userByAuthorUserId { id: rowId firstName lastName } }
                    }
                  }
                }
              }
            }
          }
        }"""),
)

M1 = Workload(
    name="M1",
    title="a task gets another title and status",
    type="Task",
    operation="Change",
    document=_one_line("""
        mutation Change($input: TaskUpdateInput!) {
          taskUpdate(input: $input) {
            task { id title status version updatedAt }
            errors { code message }
          }
        }"""),
    postgraphile=_one_line("""
        mutation Change($input: TaskUpdateInput!) {
          taskUpdate(input: $input) { task: result { id: rowId title status version updatedAt } }
        }"""),
    writes=True,
)

WORKLOADS = {each.name: each for each in (Q1, Q2, Q3, M1)}


def normalize(value: Any, key: str = "") -> Any:
    """What an answer says, however it is worded: plain ids, instants to the millisecond, lists that have no agreed order
    sorted."""
    if isinstance(value, dict):
        if set(value) == {"userByUserId"}:
            return normalize(value["userByUserId"])
        normalized = {name: normalize(each, name) for name, each in value.items() if name != "errors"}
        return normalized["nodes"] if set(normalized) == {"nodes"} else normalized
    if isinstance(value, list):
        return [normalize(each, key) for each in value]
    if isinstance(value, str) and key == "id":
        return value if len(value) == len(str(UUID(int=0))) else base64.b64decode(value).decode().partition(":")[2]
    if isinstance(value, str) and key in {"createdAt", "updatedAt"}:
        return int(datetime.fromisoformat(value).timestamp() * 1000)
    return value


def normalize_answer(answer: Any) -> Any:
    """The meaning of a whole answer. Members and projects come in an order of the server's own; all of them are asked for."""
    normalized = normalize(answer)
    team = normalized.get("team") if isinstance(normalized, dict) else None
    if team:
        team["members"].sort(key=lambda each: each["id"])
        team["projects"].sort(key=lambda each: each["id"])
    return normalized


def first_difference(one: Any, other: Any, path: Sequence[str | int] = ()) -> str | None:
    """Where two meanings part, and what stands there."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        parted = (first_difference(one[key], other[key], (*path, key)) for key in one)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        parted = (first_difference(*pair, (*path, place)) for place, pair in enumerate(zip(one, other, strict=True)))
    else:
        return None if one == other else f"at {'.'.join(map(str, path))}: {str(one)[:200]} != {str(other)[:200]}"
    return next((found for found in parted if found), None)
