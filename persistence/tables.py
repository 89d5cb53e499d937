"""The tables, as SQLAlchemy Core sees them; migrations are kept equal to this by a test.

Column names are the field's usual ones (`assignee_user_id`); their keys are the domain's attribute names (`assignee_id`), so that a
row selected by `persistence.rows` has the same attributes as the dataclass. Text sorts and compares by code point (the database's
collation is C), which ranks need.
"""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Enum,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from domain.events import ChangeKind
from domain.permissions import Role
from domain.project import ProjectStatus, ProjectVisibility
from domain.task import TaskPriority, TaskStatus
from domain.task_link import TaskLinkKind
from domain.user import UserStatus

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

INSTANT = DateTime(timezone=True)


def _enum(cls: type[StrEnum], name: str) -> Enum:
    return Enum(cls, name=name, values_callable=lambda kind: [each.value for each in kind], metadata=metadata)


user_status = _enum(UserStatus, "user_status")
team_role = _enum(Role, "team_role")
project_status = _enum(ProjectStatus, "project_status")
project_visibility = _enum(ProjectVisibility, "project_visibility")
task_status = _enum(TaskStatus, "task_status")
task_priority = _enum(TaskPriority, "task_priority")
task_link_kind = _enum(TaskLinkKind, "task_link_kind")
change_kind = _enum(ChangeKind, "change_kind")


def _id() -> Column[object]:
    return Column("id", Uuid, primary_key=True)


def _entity() -> tuple[Column[object], ...]:
    return (
        _id(),
        Column("version", Integer, nullable=False),
        Column("created_at", INSTANT, nullable=False),
        Column("updated_at", INSTANT, nullable=False),
    )


def _to(table: str, *, key: str, name: str | None = None, nullable: bool = False, gone: str | None = None) -> Column[object]:
    """A foreign key; `gone` says what becomes of the row when its target is deleted."""
    return Column(name or key, Uuid, ForeignKey(f"{table}.id", ondelete=gone), key=key, nullable=nullable)


users = Table(
    "users",
    metadata,
    *_entity(),
    Column("email", Text, key="email_address", nullable=False),
    Column("email_verified_at", INSTANT),
    Column("password_hash", Text),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("status", user_status, nullable=False),
    Column("is_bot", Boolean, nullable=False, server_default=text("false")),
    Column("time_zone", Text, nullable=False),
    Column("locale", Text, nullable=False),
)
Index("uq_users_email", func.lower(users.c.email_address), unique=True)

sessions = Table(
    "sessions",
    metadata,
    _id(),
    _to("users", key="user_id"),
    Column("created_at", INSTANT, nullable=False),
    Column("last_used_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("revoked_at", INSTANT),
    Column("user_agent", Text),
    Column("ip_address", Text),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("previous_secret_hash", LargeBinary),
    Column("rotated_at", INSTANT, nullable=False),
    Index(None, "user_id"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("private_jwk", JSONB, nullable=False),
    # The first key ever has this mark, so that two processes that start together agree on one.
    Column("only", Boolean, unique=True),
    Column("created_at", INSTANT, nullable=False, server_default=func.now()),
)

teams = Table(
    "teams",
    metadata,
    *_entity(),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("description", Text),
    _to("users", key="owner_id", name="owner_user_id"),
    Column("deleted_at", INSTANT),
    Column("last_task_number", Integer, nullable=False, server_default=text("0")),
    Index(None, "owner_id"),
)
Index("uq_teams_name", func.lower(teams.c.name), unique=True, postgresql_where=teams.c.deleted_at.is_(None))
Index("uq_teams_key", teams.c.key, unique=True)

team_members = Table(
    "team_members",
    metadata,
    _to("teams", key="team_id"),
    _to("users", key="user_id"),
    Column("role", team_role, nullable=False),
    Column("joined_at", INSTANT, nullable=False),
    Column("joined_position", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("user_id", "team_id"),
    Index(None, "team_id", "joined_at", "user_id"),
)

invitations = Table(
    "invitations",
    metadata,
    _id(),
    _to("teams", key="team_id"),
    Column("email", Text, nullable=False),
    Column("role", team_role, nullable=False),
    _to("users", key="invited_by_id", name="invited_by_user_id", nullable=True),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
)
Index("uq_invitations_team_email", invitations.c.team_id, func.lower(invitations.c.email), unique=True)

labels = Table(
    "labels",
    metadata,
    *_entity(),
    _to("teams", key="team_id"),
    Column("name", Text, nullable=False),
    Column("color", Text, nullable=False),
)
Index("uq_labels_team_name", labels.c.team_id, func.lower(labels.c.name), unique=True)

projects = Table(
    "projects",
    metadata,
    *_entity(),
    _to("teams", key="team_id"),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("status", project_status, nullable=False),
    Column("visibility", project_visibility, nullable=False),
    Column("start_on", Date),
    Column("end_on", Date),
    _to("users", key="lead_id", name="lead_user_id", nullable=True),
    _to("users", key="creator_id", name="creator_user_id", nullable=True),
    Column("deleted_at", INSTANT),
    Index(None, "team_id", "created_at", "id"),
)

project_members = Table(
    "project_members",
    metadata,
    _to("projects", key="project_id"),
    _to("users", key="user_id"),
    Column("joined_at", INSTANT, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("project_id", "user_id"),
    Index(None, "user_id"),
)

tasks = Table(
    "tasks",
    metadata,
    *_entity(),
    _to("teams", key="team_id"),
    _to("projects", key="project_id"),
    _to("tasks", key="parent_id", nullable=True),
    Column("number", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("status", task_status, nullable=False),
    Column("priority", task_priority, nullable=False),
    _to("users", key="assignee_id", name="assignee_user_id", nullable=True),
    _to("users", key="creator_id", name="creator_user_id", nullable=True),
    Column("start_on", Date),
    Column("due_on", Date),
    Column("completed_at", INSTANT),
    Column("estimate", Double),
    Column("label_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    Column("rank", Text, nullable=False),
    Column("deleted_at", INSTANT),
    Column("external_ref", Text),
    Index("uq_tasks_project_rank", "project_id", "rank", unique=True),
    Index("uq_tasks_team_number", "team_id", "number", unique=True),
    Index(None, "key"),
    Index(None, "parent_id", "rank"),
    Index(None, "assignee_id", "created_at", "id"),
    Index(None, "project_id", "status", "rank"),
    Index(None, "project_id", "updated_at", "id"),
    Index("ix_tasks_label_ids", "label_ids", postgresql_using="gin"),
)

task_aliases = Table(
    "task_aliases",
    metadata,
    Column("key", Text, primary_key=True),
    _to("tasks", key="task_id"),
)

task_links = Table(
    "task_links",
    metadata,
    _id(),
    Column("twin_id", Uuid, nullable=False),
    _to("tasks", key="task_id"),
    _to("tasks", key="target_id"),
    Column("kind", task_link_kind, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Index("uq_task_links_task_target_kind", "task_id", "target_id", "kind", unique=True),
)

comments = Table(
    "comments",
    metadata,
    *_entity(),
    _to("teams", key="team_id"),
    _to("projects", key="project_id"),
    Column("subject_type", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    _to("users", key="author_id", name="author_user_id", nullable=True),
    _to("comments", key="parent_id", nullable=True),
    Column("body", Text, nullable=False),
    Column("mention_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    Column("resolved_at", INSTANT),
    _to("users", key="resolved_by_id", name="resolved_by_user_id", nullable=True),
    Column("edited_at", INSTANT),
    Column("deleted_at", INSTANT),
    Index(None, "subject_id", "created_at", "id"),
    Index(None, "parent_id", "created_at", "id"),
)

comment_reactions = Table(
    "comment_reactions",
    metadata,
    _to("comments", key="comment_id"),
    _to("users", key="user_id"),
    Column("emoji", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("comment_id", "emoji", "user_id"),
)

watchers = Table(
    "watchers",
    metadata,
    Column("subject_id", Uuid, nullable=False),
    Column("subject_type", Text, nullable=False),
    _to("users", key="user_id"),
    Column("created_at", INSTANT, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("subject_id", "user_id"),
)

seen_marks = Table(
    "seen_marks",
    metadata,
    _to("users", key="user_id"),
    Column("subject_id", Uuid, nullable=False),
    Column("stream", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("at", INSTANT, nullable=False),
    PrimaryKeyConstraint("user_id", "subject_id"),
)

streams = Table(
    "streams",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("trimmed_to", BigInteger, nullable=False, server_default=text("0")),
)

events = Table(
    "events",
    metadata,
    Column("stream", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("id", Uuid, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", change_kind, nullable=False),
    Column("entity_type", Text, nullable=False),
    Column("entity_id", Uuid, nullable=False),
    Column("about_type", Text, nullable=False),
    Column("about_id", Uuid, nullable=False),
    Column("project_id", Uuid),
    Column("payload", JSONB, nullable=False),
    Column("actor_user_id", Uuid, key="actor_id"),
    Column("client_mutation_id", Text),
    Column("at", INSTANT, nullable=False),
    PrimaryKeyConstraint("stream", "position"),
)
Index("ix_events_about", events.c.about_id, events.c.at.desc(), events.c.id.desc())
Index(
    "ix_events_project",
    events.c.project_id,
    events.c.at.desc(),
    events.c.id.desc(),
    postgresql_where=events.c.project_id.is_not(None),
)

remembered_mutations = Table(
    "remembered_mutations",
    metadata,
    _to("users", key="actor_id", name="actor_user_id"),
    Column("client_mutation_id", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("result", JSONB),
    Column("created_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("actor_id", "client_mutation_id"),
    Index(None, "created_at"),
)
