"""Kinds of columns, and the enums, from which the tables are built."""

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    DDL,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Text,
    Uuid,
    event,
    func,
    literal_column,
)

from domain.attachment import AttachmentState
from domain.document.kind import DocumentType
from domain.events import ChangeKind
from domain.mail_report import MailReportKind
from domain.notification import DeliveryState, DigestFrequency, NotificationChannel, NotificationReason
from domain.permissions import Role
from domain.project import ProjectStatus, ProjectVisibility
from domain.push_device import PushPlatform
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

event.listen(metadata, "before_create", DDL("CREATE EXTENSION IF NOT EXISTS pg_trgm"))  # type: ignore[no-untyped-call]

INSTANT = DateTime(timezone=True)
NO_DAY = literal_column("'infinity'::date", Date)
"""What an unset day sorts as; no day is stored so."""


def cut_title(collation_key: ColumnElement[Any]) -> ColumnElement[str]:
    """So much of a title's collation key as an index holds, whose entries have at most 2,700 bytes."""
    return func.left(collation_key, literal_column("600"), type_=Text)


def postgres_enum(cls: type[StrEnum], name: str) -> Enum:
    """A Postgres enum, which sorts in the order of its members."""
    return Enum(cls, name=name, values_callable=lambda kind: [each.value for each in kind], metadata=metadata)


user_status = postgres_enum(UserStatus, "user_status")
team_role = postgres_enum(Role, "team_role")
project_status = postgres_enum(ProjectStatus, "project_status")
project_visibility = postgres_enum(ProjectVisibility, "project_visibility")
task_status = postgres_enum(TaskStatus, "task_status")
task_priority = postgres_enum(TaskPriority, "task_priority")
attachment_state = postgres_enum(AttachmentState, "attachment_state")
task_link_kind = postgres_enum(TaskLinkKind, "task_link_kind")
document_type = postgres_enum(DocumentType, "document_type")
change_kind = postgres_enum(ChangeKind, "change_kind")
notification_reason = postgres_enum(NotificationReason, "notification_reason")
notification_channel = postgres_enum(NotificationChannel, "notification_channel")
delivery_state = postgres_enum(DeliveryState, "delivery_state")
digest_frequency = postgres_enum(DigestFrequency, "digest_frequency")
mail_report_kind = postgres_enum(MailReportKind, "mail_report_kind")
push_platform = postgres_enum(PushPlatform, "push_platform")


def id_column() -> Column[object]:
    """A UUIDv7, made by the server or by a client."""
    return Column("id", Uuid, primary_key=True)


def entity_columns() -> tuple[Column[object], ...]:
    """What every entity has."""
    return (
        id_column(),
        Column("version", Integer, nullable=False),
        Column("created_at", INSTANT, nullable=False),
        Column("updated_at", INSTANT, nullable=False),
    )


def foreign_key(table: str, *, key: str, name: str | None = None, nullable: bool = False) -> Column[object]:
    """A foreign key; nothing that is pointed to is ever deleted."""
    return Column(name or key, Uuid, ForeignKey(f"{table}.id"), key=key, nullable=nullable)


def named_foreign_key(table: str, *, key: str, name: str) -> tuple[Column[object] | ForeignKeyConstraint, ...]:
    """A foreign key with the collation key of its row's name, for indexes to sort by. Postgres changes it with the name, and a
    trigger fills it in."""
    reference = ForeignKeyConstraint([key, name], [f"{table}.id", f"{table}.name_collation"], onupdate="CASCADE")
    return Column(key, Uuid, nullable=False), Column(name, Text, nullable=False), reference
