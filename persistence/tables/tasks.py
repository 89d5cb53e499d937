"""Tables of projects, tasks, labels, links, comments, watchers and seen marks."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from domain.task import TaskStatus
from persistence.tables.columns import (
    INSTANT,
    NO_DAY,
    cut_title,
    entity_columns,
    foreign_key,
    id_column,
    metadata,
    named_foreign_key,
    project_status,
    project_visibility,
    task_link_kind,
    task_priority,
    task_status,
)

labels = Table(
    "labels",
    metadata,
    *entity_columns(),
    foreign_key("teams", key="team_id"),
    Column("name", Text, nullable=False),
    Column("name_collation", Text, nullable=False),
    Column("color", Text, nullable=False),
)

Index("uq_labels_team_name_collation", labels.c.team_id, labels.c.name_collation, unique=True)

projects = Table(
    "projects",
    metadata,
    *entity_columns(),
    foreign_key("teams", key="team_id"),
    Column("name", Text, nullable=False),
    Column("name_collation", Text, nullable=False),
    Column("description", Text),
    Column("status", project_status, nullable=False),
    Column("visibility", project_visibility, nullable=False),
    Column("start_on", Date),
    Column("end_on", Date),
    foreign_key("users", key="lead_id", name="lead_user_id", nullable=True),
    foreign_key("users", key="creator_id", name="creator_user_id", nullable=True),
    Column("deleted_at", INSTANT),
    Index(None, "team_id", "created_at", "id"),
    Index(None, "team_id", "updated_at", "id"),
    Index(None, "team_id", "name_collation", "id"),
    Index(None, "team_id", "status", "id"),
)

for _day in (projects.c.start_on, projects.c.end_on):
    Index(f"ix_projects_{_day.name}", projects.c.team_id, func.coalesce(_day, NO_DAY), projects.c.id)

project_members = Table(
    "project_members",
    metadata,
    foreign_key("projects", key="project_id"),
    *named_foreign_key("users", key="user_id", name="user_name_collation"),
    Column("joined_at", INSTANT, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("project_id", "user_id"),
    Index(None, "user_id"),
    Index(None, "project_id", "user_name_collation", "user_id"),
)

tasks = Table(
    "tasks",
    metadata,
    *entity_columns(),
    foreign_key("teams", key="team_id"),
    foreign_key("projects", key="project_id"),
    foreign_key("tasks", key="parent_id", nullable=True),
    Column("number", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("title_collation", Text, nullable=False),
    Column("description", Text),
    Column("status", task_status, nullable=False),
    Column("priority", task_priority, nullable=False),
    foreign_key("users", key="assignee_id", name="assignee_user_id", nullable=True),
    foreign_key("users", key="creator_id", name="creator_user_id", nullable=True),
    Column("start_on", Date),
    Column("due_on", Date),
    Column("completed_at", INSTANT),
    Column("estimate", Double),
    Column("label_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    Column("rank", Text, nullable=False),
    Column("deleted_at", INSTANT),
    Column("external_ref", Text),
    Column("recurrence", Text),
    Column("recurs_on", Date),
    # Written by `persistence.stores.blocked_tasks` alone.
    Column("is_blocked", Boolean, nullable=False, server_default=false()),
    Index("uq_tasks_project_rank", "project_id", "rank", unique=True),
    # A number is used once in its team: keys of teams are unique, and stay.
    Index("uq_tasks_key", "key", unique=True),
    Index(None, "parent_id", "rank", postgresql_where=text("parent_id IS NOT NULL")),
    Index(None, "project_id", "status", "rank"),
    # An order of `persistence.stores.task_queries` each.
    Index(None, "project_id", "team_id", "number"),
    Index(None, "project_id", "priority", "id"),
    Index(None, "project_id", "created_at", "id"),
    Index(None, "project_id", "updated_at", "id"),
    Index(None, "assignee_id", "project_id", "created_at", "id", postgresql_where=text("assignee_user_id IS NOT NULL")),
    Index(None, "creator_id", "project_id", "created_at", "id"),
    Index("ix_tasks_label_ids", "label_ids", postgresql_using="gin"),
    Index(
        "ix_tasks_recurs_on",
        "recurs_on",
        "id",
        postgresql_where=text("recurs_on IS NOT NULL AND deleted_at IS NULL"),
    ),
    Index("ix_tasks_blocked", "project_id", "created_at", "id", postgresql_where=text("is_blocked")),
    Index("ix_tasks_long_rank", "project_id", postgresql_where=text("length(rank) > 64")),
)

Index("ix_tasks_title", tasks.c.project_id, cut_title(tasks.c.title_collation), tasks.c.id)
Index(
    "ix_tasks_place_title_trigrams",
    text("(ARRAY[team_id, project_id])"),
    tasks.c.title_collation,
    postgresql_using="gin",
    postgresql_ops={"title_collation": "gin_trgm_ops"},
    postgresql_with={"gin_pending_list_limit": 256},
)
Index("ix_tasks_due_on", tasks.c.project_id, func.coalesce(tasks.c.due_on, NO_DAY), tasks.c.id)
Index(
    "ix_tasks_open_due_on",
    tasks.c.project_id,
    func.coalesce(tasks.c.due_on, NO_DAY),
    tasks.c.id,
    postgresql_where=text("status < 'DONE'"),
)
Index(
    "ix_tasks_assignee_open_due_on",
    tasks.c.assignee_id,
    tasks.c.project_id,
    func.coalesce(tasks.c.due_on, NO_DAY),
    tasks.c.id,
    postgresql_where=text("status < 'DONE' AND assignee_user_id IS NOT NULL"),
)

# What ranks of tasks and documents became when they were compacted, for cursors that were made before.
former_ranks = Table(
    "former_ranks",
    metadata,
    Column("item_id", Uuid, nullable=False),
    Column("rank_hash", Text, nullable=False),
    Column("rank", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("item_id", "rank_hash"),
    Index(None, "created_at"),
)

task_aliases = Table(
    "task_aliases",
    metadata,
    Column("key", Text, primary_key=True),
    foreign_key("tasks", key="task_id"),
)

task_links = Table(
    "task_links",
    metadata,
    id_column(),
    Column("twin_id", Uuid, nullable=False),
    foreign_key("tasks", key="task_id"),
    foreign_key("tasks", key="target_id"),
    Column("kind", task_link_kind, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Index("uq_task_links_task_target_kind", "task_id", "target_id", "kind", unique=True),
)

comments = Table(
    "comments",
    metadata,
    *entity_columns(),
    foreign_key("teams", key="team_id"),
    foreign_key("projects", key="project_id"),
    Column("subject_type", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    foreign_key("users", key="author_id", name="author_user_id", nullable=True),
    foreign_key("comments", key="parent_id", nullable=True),
    Column("body", Text, nullable=False),
    Column("anchor_quote", Text),
    Column("anchor_prefix", Text),
    Column("anchor_suffix", Text),
    Column("anchor_start", Integer),
    Column("mention_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    Column("resolved_at", INSTANT),
    foreign_key("users", key="resolved_by_id", name="resolved_by_user_id", nullable=True),
    Column("edited_at", INSTANT),
    Column("deleted_at", INSTANT),
    Index(None, "subject_id", "created_at", "id"),
    Index(None, "parent_id", "created_at", "id"),
    Index(
        "ix_comments_unresolved_threads",
        "subject_id",
        "created_at",
        "id",
        postgresql_where=text("parent_id IS NULL AND resolved_at IS NULL AND deleted_at IS NULL"),
    ),
)

comment_reactions = Table(
    "comment_reactions",
    metadata,
    foreign_key("comments", key="comment_id"),
    foreign_key("users", key="user_id"),
    Column("emoji", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("comment_id", "emoji", "user_id"),
)

watchers = Table(
    "watchers",
    metadata,
    Column("subject_id", Uuid, nullable=False),
    Column("subject_type", Text, nullable=False),
    foreign_key("users", key="user_id"),
    Column("created_at", INSTANT, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("subject_id", "user_id"),
)

seen_marks = Table(
    "seen_marks",
    metadata,
    foreign_key("users", key="user_id"),
    Column("subject_id", Uuid, nullable=False),
    Column("stream", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("at", INSTANT, nullable=False),
    PrimaryKeyConstraint("user_id", "subject_id"),
)

# How many tasks of each status a project has, without deleted ones; whoever changes a task changes the numbers with it.
task_counts = Table(
    "task_counts",
    metadata,
    foreign_key("projects", key="project_id"),
    *(Column(status.lower(), Integer, nullable=False, server_default=text("0")) for status in TaskStatus),
    PrimaryKeyConstraint("project_id"),
)

# How many open tasks of a project are due on a day. Whoever changes them holds the project's row of `task_counts`.
open_task_counts = Table(
    "open_task_counts",
    metadata,
    foreign_key("projects", key="project_id"),
    Column("due_on", Date, nullable=False),
    Column("tasks", Integer, nullable=False),
    PrimaryKeyConstraint("project_id", "due_on"),
    # Where tasks are due on a day, whoever's they are.
    Index(None, "due_on"),
)
