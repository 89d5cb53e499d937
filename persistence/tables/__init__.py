"""The tables, as SQLAlchemy Core describes them; a test compares the migrations with them.

Column names are the field's usual ones (`assignee_user_id`); their keys are the domain's attribute names (`assignee_id`), so that
a row selected by `persistence.engine.rows` has the same attributes as the dataclass. Text sorts and compares by code point (the
database's collation is C), which ranks need.
"""

from persistence.tables.apps import api_tokens, authorization_codes, device_codes, oauth_clients, oauth_consents
from persistence.tables.audit import audit_entries, audit_heads
from persistence.tables.columns import INSTANT, metadata, project_status, task_status, team_role
from persistence.tables.document_log import document_clients, document_heads, document_updates
from persistence.tables.documents import document_references, document_versions, documents
from persistence.tables.events import events, idempotency_keys, streams
from persistence.tables.files import attached, attachments, discarded_blobs
from persistence.tables.identity import (
    account_tokens,
    calendar_feeds,
    external_identities,
    factors,
    invitations,
    recovery_codes,
    sessions,
    signing_keys,
    team_members,
    teams,
    users,
)
from persistence.tables.jobs import user_jobs
from persistence.tables.mail import mail_reports
from persistence.tables.notifications import (
    notification_deliveries,
    notification_settings,
    notifications,
    push_devices,
    push_keys,
)
from persistence.tables.restores import restores
from persistence.tables.search import search_entries, search_queue, search_terms
from persistence.tables.sharing import share_links
from persistence.tables.tasks import (
    comment_reactions,
    comments,
    former_ranks,
    labels,
    open_task_counts,
    project_members,
    projects,
    seen_marks,
    task_aliases,
    task_counts,
    task_links,
    tasks,
    watchers,
)
from persistence.tables.templates import templates
from persistence.tables.webhooks import webhook_deliveries, webhook_queues, webhooks
from persistence.tables.workers import consumer_attempts, consumer_cursors, consumers, dead_letters, jobs, schedule_runs

__all__ = [
    "INSTANT",
    "account_tokens",
    "api_tokens",
    "attached",
    "attachments",
    "audit_entries",
    "audit_heads",
    "authorization_codes",
    "calendar_feeds",
    "comment_reactions",
    "comments",
    "consumer_attempts",
    "consumer_cursors",
    "consumers",
    "dead_letters",
    "device_codes",
    "discarded_blobs",
    "document_clients",
    "document_heads",
    "document_references",
    "document_updates",
    "document_versions",
    "documents",
    "events",
    "external_identities",
    "factors",
    "former_ranks",
    "idempotency_keys",
    "invitations",
    "jobs",
    "labels",
    "mail_reports",
    "metadata",
    "notification_deliveries",
    "notification_settings",
    "notifications",
    "oauth_clients",
    "oauth_consents",
    "open_task_counts",
    "project_members",
    "project_status",
    "projects",
    "push_devices",
    "push_keys",
    "recovery_codes",
    "restores",
    "schedule_runs",
    "search_entries",
    "search_queue",
    "search_terms",
    "seen_marks",
    "sessions",
    "share_links",
    "signing_keys",
    "streams",
    "task_aliases",
    "task_counts",
    "task_links",
    "task_status",
    "tasks",
    "team_members",
    "team_role",
    "teams",
    "templates",
    "user_jobs",
    "users",
    "watchers",
    "webhook_deliveries",
    "webhook_queues",
    "webhooks",
]
