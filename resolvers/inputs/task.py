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

    id: UUID | None = optional("An id of the client's own, for offline creation.")
    project_id: strawberry.ID = required("The project.", of="Project")
    parent_id: strawberry.ID | None = optional("The task that it is a part of, in the same project.", of="Task")
    title: str = required("What is to be done.")
    description: Markdown | None = optional("More about it.")
    status: TaskStatus | None = optional("Its column.", default=TaskStatus.TODO)
    priority: TaskPriority | None = optional("How pressing it is.", default=TaskPriority.NONE)
    assignee_id: strawberry.ID | None = optional("Who does it: somebody who sees the project.", of="User")
    start_on: date | None = optional("When work starts.")
    due_on: date | None = optional("When it is due.")
    recurrence: str | None = optional(
        "A rule such as FREQ=WEEKLY;BYDAY=MO (RFC 5545) by which the next tasks are made; it needs a due day."
    )
    estimate: float | None = optional("How much work it is, in the team's own unit.")
    label_ids: list[strawberry.ID] | None = optional("Labels of the team.", of="Label")
    upload_ids: list[strawberry.ID] | None = optional("Files of one's own to attach, 20 at most.", of="Attachment")
    after_id: strawberry.ID | None = optional("The task to stand after; the end of the project when absent.", of="Task")
    external_ref: str | None = optional("Its id in the system that it comes from.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `taskUpdate`. Omitted fields remain unchanged, null clears a value.")
class TaskUpdateInput:
    """Input of `taskUpdate`."""

    id: strawberry.ID = required("The task.", of="Task")
    title: str | None = optional("What is to be done.")
    description: Markdown | None = optional("More about it.")
    status: TaskStatus | None = optional("Its column.")
    priority: TaskPriority | None = optional("How pressing it is.")
    assignee_id: strawberry.ID | None = optional("Who does it: somebody who sees the project.", of="User")
    start_on: date | None = optional("When work starts.")
    due_on: date | None = optional("When it is due.")
    recurrence: str | None = optional(
        "A rule such as FREQ=WEEKLY;BYDAY=MO (RFC 5545) by which the next tasks are made; it needs a due day."
    )
    estimate: float | None = optional("How much work it is, in the team's own unit.")
    add_label_ids: list[strawberry.ID] | None = optional("Labels to put on.", of="Label")
    remove_label_ids: list[strawberry.ID] | None = optional("Labels to take off.", of="Label")
    expected_version: int | None = optional("The version that was read; another one is a conflict.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `taskMove`. If both neighbors are given, the task is placed right after `afterId`.")
class TaskMoveInput:
    """Input of `taskMove`."""

    id: strawberry.ID = required("The task.", of="Task")
    project_id: strawberry.ID | None = optional("Into this project, with all its sub-tasks.", of="Project")
    parent_id: strawberry.ID | None = optional("Under this task; null: to the top.", of="Task")
    status: TaskStatus | None = optional("Into this column.")
    after_id: strawberry.ID | None = optional("Right after this task; null: to the front.", of="Task")
    before_id: strawberry.ID | None = optional("Right before this task; null: to the end.", of="Task")
    expected_version: int | None = optional("The version that was read; another one is a conflict.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `taskLink`.")
class TaskLinkInput:
    """Input of `taskLink`."""

    task_id: strawberry.ID = required("The task.", of="Task")
    target_id: strawberry.ID = required("The other task.", of="Task")
    kind: TaskLinkKind = required("What the task is to the other.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Changes to many tasks. Omitted fields remain unchanged, null clears a value.")
class TaskPatch:
    """What `tasksUpdate` sets."""

    status: TaskStatus | None = optional("Their column.")
    priority: TaskPriority | None = optional("How pressing they are.")
    assignee_id: strawberry.ID | None = optional("Who does them.", of="User")
    due_on: date | None = optional("When they are due.")
    recurrence: str | None = optional(
        "A rule such as FREQ=WEEKLY;BYDAY=MO (RFC 5545) by which the next of each is made; null ends their series."
    )
    project_id: strawberry.ID | None = optional("Into this project.", of="Project")
    add_label_ids: list[strawberry.ID] | None = optional("Labels to put on.", of="Label")
    remove_label_ids: list[strawberry.ID] | None = optional("Labels to take off.", of="Label")


@input_type("Input of `tasksUpdate`, for at most 100 tasks.")
class TasksUpdateInput:
    """Input of `tasksUpdate`."""

    ids: list[strawberry.ID] = required("The tasks.", of="Task")
    set: TaskPatch = required("What all of them get.")
    mode: BulkMode = optional("What becomes of the good rows when one is refused.", default=BulkMode.ALL_OR_NOTHING)
    dry_run: bool | None = optional("Say what would happen, and write nothing.", default=False)
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `tasksCreate`, for at most 100 tasks.")
class TasksCreateInput:
    """Input of `tasksCreate`."""

    tasks: list[TaskCreateInput] = required("The tasks; a later one may name an earlier one's id as its parent's.")
    mode: BulkMode = optional("What becomes of the good rows when one is refused.", default=BulkMode.ALL_OR_NOTHING)
    dry_run: bool | None = optional("Say what would happen, and write nothing.", default=False)
    client_mutation_id: str | None = client_mutation_id()


@input_type("Filters by status. All given conditions must match.")
class TaskStatusFilter:
    """All given conditions hold."""

    eq: TaskStatus | None = optional("Exactly this one.")
    in_: list[TaskStatus] | None = strawberry.field(name="in", description="One of these.", default=UNSET)
    not_in: list[TaskStatus] | None = optional("None of these.")


@input_type("Filters by priority. All given conditions must match.")
class TaskPriorityFilter:
    """All given conditions hold."""

    eq: TaskPriority | None = optional("Exactly this one.")
    in_: list[TaskPriority] | None = strawberry.field(name="in", description="One of these.", default=UNSET)
    not_in: list[TaskPriority] | None = optional("None of these.")


@input_type("Filters tasks. All given fields must match; filters nest at most 3 deep.")
class TaskFilter:
    """Filter of tasks."""

    id: IDFilter | None = optional("By id.")
    project: IDFilter | None = optional("By project.")
    assignee: IDFilter | None = optional("By assignee.")
    creator: IDFilter | None = optional("By creator.")
    parent: IDFilter | None = optional("By parent; `isNull: true` gives the tasks at the top.")
    title: StringFilter | None = optional("By title.")
    status: TaskStatusFilter | None = optional("By status.")
    priority: TaskPriorityFilter | None = optional("By priority.")
    labels: IDFilter | None = optional("By label: `eq` has it, `in` has at least one of them.")
    due_on: DateFilter | None = optional("By due day.")
    created_at: DateTimeFilter | None = optional("By creation.")
    updated_at: DateTimeFilter | None = optional("By last change.")
    is_blocked: bool | None = optional("Whether it waits for another task.")
    include_deleted: bool | None = optional("Deleted tasks too.")
    and_: list["TaskFilter"] | None = strawberry.field(name="and", description="All of these hold too.", default=UNSET)
    or_: list["TaskFilter"] | None = strawberry.field(name="or", description="One of these holds too.", default=UNSET)
    not_: "TaskFilter | None" = strawberry.field(name="not", description="This does not hold.", default=UNSET)


@strawberry.enum(description="Field that tasks are sorted by.")
class TaskOrderField(Enum):
    """Sortable columns."""

    RANK = strawberry.enum_value("RANK", description="Rank on the board.")
    KEY = strawberry.enum_value("KEY", description="Team and number.")
    TITLE = strawberry.enum_value("TITLE", description="Title, by code point.")
    STATUS = strawberry.enum_value("STATUS", description="Column, from left to right; within one, the rank on the board.")
    PRIORITY = strawberry.enum_value("PRIORITY", description="From none to urgent.")
    DUE_ON = strawberry.enum_value("DUE_ON", description="Due day; unset counts as last.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="Creation.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="Last change.")


@input_type("A field to sort tasks by.")
class TaskOrder:
    """Order of tasks."""

    field: TaskOrderField = required("What to sort by.")
    direction: OrderDirection = optional("Which way.", default=OrderDirection.ASC)


FILTER_ID_TYPES = {
    "id": "Task",
    "project": "Project",
    "assignee": "User",
    "creator": "User",
    "parent": "Task",
    "labels": "Label",
}
