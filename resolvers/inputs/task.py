"""Defines the inputs of mutations of tasks, their filter and order."""

from datetime import date
from enum import Enum
from uuid import UUID

import strawberry
from strawberry import UNSET

from domain.task import TaskPriority, TaskStatus
from domain.task.bulk import BulkMode
from domain.task_link import TaskLinkKind
from resolvers.enums import graphql_enum
from resolvers.inputs.fields import client_mutation_id, input_type, optional, required
from resolvers.inputs.filter import DateFilter, DateTimeFilter, IDFilter, OrderDirection, StringFilter
from resolvers.scalars import Markdown

graphql_enum(
    TaskStatus,
    "Status of a task, which is its board column, in board order.",
    BACKLOG="Not planned yet.",
    TODO="Planned.",
    IN_PROGRESS="Being worked on.",
    IN_REVIEW="Waiting for review.",
    DONE="Finished.",
    CANCELED="Canceled.",
)
graphql_enum(
    TaskPriority,
    "Priority of a task, in ascending order.",
    NONE="No priority.",
    LOW="Low priority.",
    MEDIUM="Medium priority.",
    HIGH="High priority.",
    URGENT="Urgent.",
)
graphql_enum(
    TaskLinkKind,
    "Relation of a task to the target of a link.",
    BLOCKS="The task blocks the target.",
    BLOCKED_BY="The task is blocked by the target.",
    RELATES_TO="The tasks are related.",
    DUPLICATES="The task duplicates the target.",
    DUPLICATED_BY="The task is duplicated by the target.",
)
graphql_enum(
    BulkMode,
    "Handling of the valid rows of a bulk mutation when another row is refused.",
    ALL_OR_NOTHING="Nothing is written.",
    BEST_EFFORT="The valid rows are written.",
)


@input_type("Input of `taskCreate`, and a row of `tasksCreate`.")
class TaskCreateInput:
    """Input of `taskCreate`, and a row of `tasksCreate`."""

    id: UUID | None = optional("Id chosen by the client, for offline creation.")
    project_id: strawberry.ID = required("Project of the task.", of="Project")
    parent_id: strawberry.ID | None = optional("Parent task, in the same project.", of="Task")
    title: str = required("Title.")
    description: Markdown | None = optional("Description.")
    status: TaskStatus | None = optional("Status, which is its board column.", default=TaskStatus.TODO)
    priority: TaskPriority | None = optional("Priority.", default=TaskPriority.NONE)
    assignee_id: strawberry.ID | None = optional("User to assign it to; must be able to see the project.", of="User")
    start_on: date | None = optional("Day on which work starts.")
    due_on: date | None = optional("Day on which it is due.")
    estimate: float | None = optional("Estimated effort, in the team's own unit.")
    label_ids: list[strawberry.ID] | None = optional("Labels of the team.", of="Label")
    upload_ids: list[strawberry.ID] | None = optional("Uploaded files of the viewer to attach, at most 20.", of="Attachment")
    after_id: strawberry.ID | None = optional(
        "Task to place it after; when omitted, it is placed last in the project.", of="Task"
    )
    external_ref: str | None = optional("Id in the system that it is imported from.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `taskUpdate`. Omitted fields remain unchanged, null clears a value.")
class TaskUpdateInput:
    """Input of `taskUpdate`."""

    id: strawberry.ID = required("Id of the task.", of="Task")
    title: str | None = optional("Title.")
    description: Markdown | None = optional("Description.")
    status: TaskStatus | None = optional("Status, which is its board column.")
    priority: TaskPriority | None = optional("Priority.")
    assignee_id: strawberry.ID | None = optional("User to assign it to; must be able to see the project.", of="User")
    start_on: date | None = optional("Day on which work starts.")
    due_on: date | None = optional("Day on which it is due.")
    estimate: float | None = optional("Estimated effort, in the team's own unit.")
    add_label_ids: list[strawberry.ID] | None = optional("Labels to add.", of="Label")
    remove_label_ids: list[strawberry.ID] | None = optional("Labels to remove.", of="Label")
    expected_version: int | None = optional(
        "Version that the client has read; if the object has another one, the mutation fails with CONFLICT."
    )
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `taskMove`. If both neighbors are given, the task is placed right after `afterId`.")
class TaskMoveInput:
    """Input of `taskMove`."""

    id: strawberry.ID = required("Id of the task.", of="Task")
    project_id: strawberry.ID | None = optional("Project to move it to, with its subtasks.", of="Project")
    parent_id: strawberry.ID | None = optional("New parent task; null moves it to the top level.", of="Task")
    status: TaskStatus | None = optional("Status to move it to.")
    after_id: strawberry.ID | None = optional("Task to place it after; null places it first.", of="Task")
    before_id: strawberry.ID | None = optional("Task to place it before; null places it last.", of="Task")
    expected_version: int | None = optional(
        "Version that the client has read; if the object has another one, the mutation fails with CONFLICT."
    )
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `taskLink`.")
class TaskLinkInput:
    """Input of `taskLink`."""

    task_id: strawberry.ID = required("Id of the task.", of="Task")
    target_id: strawberry.ID = required("Task to link to.", of="Task")
    kind: TaskLinkKind = required("Relation of the task to the target.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Changes to many tasks. Omitted fields remain unchanged, null clears a value.")
class TaskPatch:
    """What `tasksUpdate` sets."""

    status: TaskStatus | None = optional("Status, which is the board column.")
    priority: TaskPriority | None = optional("Priority.")
    assignee_id: strawberry.ID | None = optional("User to assign them to.", of="User")
    due_on: date | None = optional("Day on which they are due.")
    project_id: strawberry.ID | None = optional("Project to move them to.", of="Project")
    add_label_ids: list[strawberry.ID] | None = optional("Labels to add.", of="Label")
    remove_label_ids: list[strawberry.ID] | None = optional("Labels to remove.", of="Label")


@input_type("Input of `tasksUpdate`, for at most 100 tasks.")
class TasksUpdateInput:
    """Input of `tasksUpdate`."""

    ids: list[strawberry.ID] = required("Tasks to update.", of="Task")
    set: TaskPatch = required("Changes to make to each task.")
    mode: BulkMode = optional("Handling of the valid rows when another row is refused.", default=BulkMode.ALL_OR_NOTHING)
    dry_run: bool | None = optional("Whether to return what would happen without writing anything.", default=False)
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `tasksCreate`, for at most 100 tasks.")
class TasksCreateInput:
    """Input of `tasksCreate`."""

    tasks: list[TaskCreateInput] = required("Tasks to create; a later one may refer to the id of an earlier one as its parent.")
    mode: BulkMode = optional("Handling of the valid rows when another row is refused.", default=BulkMode.ALL_OR_NOTHING)
    dry_run: bool | None = optional("Whether to return what would happen without writing anything.", default=False)
    client_mutation_id: str | None = client_mutation_id()


@input_type("Filters by status. All given conditions must match.")
class TaskStatusFilter:
    """All given conditions hold."""

    eq: TaskStatus | None = optional("Equal to this value.")
    in_: list[TaskStatus] | None = strawberry.field(name="in", description="One of these values.", default=UNSET)
    not_in: list[TaskStatus] | None = optional("None of these values.")


@input_type("Filters by priority. All given conditions must match.")
class TaskPriorityFilter:
    """All given conditions hold."""

    eq: TaskPriority | None = optional("Equal to this value.")
    in_: list[TaskPriority] | None = strawberry.field(name="in", description="One of these values.", default=UNSET)
    not_in: list[TaskPriority] | None = optional("None of these values.")


@input_type("Filters tasks. All given fields must match; filters nest at most 3 deep.")
class TaskFilter:
    """Filter of tasks."""

    id: IDFilter | None = optional("By id.")
    project: IDFilter | None = optional("By project.")
    assignee: IDFilter | None = optional("By assignee.")
    creator: IDFilter | None = optional("By creator.")
    parent: IDFilter | None = optional("By parent; `isNull: true` matches tasks at the top level.")
    title: StringFilter | None = optional("By title.")
    status: TaskStatusFilter | None = optional("By status.")
    priority: TaskPriorityFilter | None = optional("By priority.")
    labels: IDFilter | None = optional("By label: `eq` matches tasks with the label, `in` those with at least one of the labels.")
    due_on: DateFilter | None = optional("By due day.")
    created_at: DateTimeFilter | None = optional("By creation.")
    updated_at: DateTimeFilter | None = optional("By last change.")
    is_blocked: bool | None = optional("Whether the task is blocked by an open task.")
    include_deleted: bool | None = optional("Whether to include deleted tasks.")
    and_: list["TaskFilter"] | None = strawberry.field(
        name="and", description="All of these filters must match too.", default=UNSET
    )
    or_: list["TaskFilter"] | None = strawberry.field(
        name="or", description="At least one of these filters must match too.", default=UNSET
    )
    not_: "TaskFilter | None" = strawberry.field(name="not", description="This filter must not match.", default=UNSET)


@strawberry.enum(description="Field that tasks are sorted by.")
class TaskOrderField(Enum):
    """Sortable columns."""

    RANK = strawberry.enum_value("RANK", description="Rank on the board.")
    KEY = strawberry.enum_value("KEY", description="Team and number.")
    TITLE = strawberry.enum_value("TITLE", description="Title, by code point.")
    STATUS = strawberry.enum_value("STATUS", description="Column, from left to right.")
    PRIORITY = strawberry.enum_value("PRIORITY", description="From none to urgent.")
    DUE_ON = strawberry.enum_value("DUE_ON", description="Due day; unset counts as last.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="Creation.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="Last change.")


@input_type("A field to sort tasks by.")
class TaskOrder:
    """Order of tasks."""

    field: TaskOrderField = required("Field to sort by.")
    direction: OrderDirection = optional("Direction of sorting.", default=OrderDirection.ASC)


FILTER_ID_TYPES = {
    "id": "Task",
    "project": "Project",
    "assignee": "User",
    "creator": "User",
    "parent": "Task",
    "labels": "Label",
}
