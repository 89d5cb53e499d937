"""States which rows each principal may read, as policies of Postgres' row-level security: a second wall behind
`persistence.access`.

The first wall is a condition in every statement, the second one belongs to the tables: a statement that forgets its condition
reads no more than the principal may. It is coarser: what roles and scopes narrow within a team, and what is deleted, is the first
wall's to say. Both say the same about which team, which project and which person.

Policies hold for the role `hive_principal`, as which statements are run on behalf of somebody
(`persistence.engine.principal_database`). The owner of the tables, as which everything else runs, passes by them. Tables that are
not named here the role cannot read at all. What words are found by it reads through a view, which stands in a schema of its own.

What the principal belongs to is read through views of the owner, so that policies need not ask policies. They are conditions that
the planner sees through, no functions; each looks up a row by its key, or, where many are expected, makes a hash table once.
"""

import hashlib
from typing import Final

import asyncpg
from sqlalchemy import Text, func, literal_column, select

from persistence.engine.database import Database
from persistence.engine.principals import PRINCIPAL_SETTING
from persistence.engine.statement import Statement

ROLE: Final = "hive_principal"
_LOCK_KEY: Final = 0x48697670
_ME: Final = f"nullif(current_setting('{PRINCIPAL_SETTING}', true), '')::uuid"
_OPEN: Final = f"""p.visibility = 'TEAM' AND m.role <> 'GUEST' OR EXISTS (
    SELECT 1 FROM project_members AS o WHERE o.project_id = p.id AND o.user_id = {_ME})"""

_VIEWS: Final = {
    "hive_own_teams": f"SELECT m.team_id, m.role FROM team_members AS m WHERE m.user_id = {_ME}",
    "hive_own_projects": f"""SELECT p.id AS project_id FROM projects AS p JOIN team_members AS m ON m.team_id = p.team_id
    WHERE m.user_id = {_ME} AND ({_OPEN})""",
    "hive_own_colleagues": f"""SELECT t.user_id FROM team_members AS m JOIN team_members AS t ON t.team_id = m.team_id
    WHERE m.user_id = {_ME}""",
    "hive_own_account": f"SELECT u.email_key FROM users AS u WHERE u.id = {_ME}",
    "hive_own_administration": f"SELECT u.id FROM users AS u WHERE u.id = {_ME} AND u.is_server_admin AND u.status = 'ACTIVE'",
    "hive_own_apps": f"""SELECT s.client_id FROM oauth_consents AS s WHERE s.user_id = {_ME}
    UNION ALL SELECT s.client_id FROM sessions AS s WHERE s.user_id = {_ME} AND s.client_id IS NOT NULL""",
}
"""What the principal belongs to, by the names of the views."""


def _in_team(column: str) -> str:
    return f"EXISTS (SELECT 1 FROM hive_own_teams AS own WHERE own.team_id = {column})"


def _works_in_team(column: str) -> str:
    return f"EXISTS (SELECT 1 FROM hive_own_teams AS own WHERE own.team_id = {column} AND own.role <> 'GUEST')"


def _administers_team(column: str) -> str:
    return f"EXISTS (SELECT 1 FROM hive_own_teams AS own WHERE own.team_id = {column} AND own.role IN ('OWNER', 'ADMIN'))"


def _in_project(column: str) -> str:
    return f"EXISTS (SELECT 1 FROM hive_own_projects AS own WHERE own.project_id = {column})"


def _under(table: str, column: str) -> str:
    """A row of the table, with that id, may be read."""
    return f"EXISTS (SELECT 1 FROM {table} AS above WHERE above.id = {column})"


def _own(column: str = "user_id") -> str:
    return f"{column} = {_ME}"


_ADMINISTERS: Final = "EXISTS (SELECT 1 FROM hive_own_administration)"
_COLLEAGUE: Final = "EXISTS (SELECT 1 FROM hive_own_colleagues AS own WHERE own.user_id = {})"
_ON_SUBJECT: Final = f"({_under('tasks', 'subject_id')} OR {_under('documents', 'subject_id')})"
_STREAM_ID: Final = "split_part(stream, ':', 2)::uuid"
_STREAM: Final = (
    f"CASE split_part(stream, ':', 1) WHEN 'team' THEN {_in_team(_STREAM_ID)} WHEN 'user' THEN {_own(_STREAM_ID)}"
    f" WHEN 'document' THEN {_under('documents', _STREAM_ID)} ELSE false END"
)

POLICIES: Final = {
    "users": f"{_own('id')} OR {_COLLEAGUE.format('users.id')} OR {_ADMINISTERS}",
    "sessions": _own(),
    "factors": _own(),
    "recovery_codes": _own(),
    "external_identities": _own(),
    "api_tokens": _own(),
    "oauth_consents": _own(),
    "idempotency_keys": _own("actor_user_id"),
    "oauth_clients": f"{_in_team('team_id')} OR EXISTS (SELECT 1 FROM hive_own_apps AS own"
    " WHERE own.client_id = oauth_clients.id)",
    "teams": _in_team("teams.id"),
    "team_members": _in_team("team_members.team_id"),
    "invitations": f"{_in_team('invitations.team_id')} OR EXISTS (SELECT 1 FROM hive_own_account AS own WHERE own.email_key ="
    " invitations.email_key)",
    "labels": _in_team("labels.team_id"),
    "projects": _in_project("projects.id"),
    "project_members": _in_project("project_members.project_id"),
    "task_counts": _in_project("task_counts.project_id"),
    "open_task_counts": _in_project("open_task_counts.project_id"),
    "tasks": _in_project("tasks.project_id"),
    "documents": _in_project("documents.project_id"),
    # A comment is where the task or document is now that it is about.
    "comments": f"CASE subject_type WHEN 'Task' THEN {_under('tasks', 'comments.subject_id')}"
    f" ELSE {_under('documents', 'comments.subject_id')} END",
    "task_aliases": _under("tasks", "task_aliases.task_id"),
    "task_links": _under("tasks", "task_links.task_id"),
    "document_versions": _under("documents", "document_versions.document_id"),
    "document_references": _under("documents", "document_references.document_id"),
    "comment_reactions": _under("comments", "comment_reactions.comment_id"),
    "watchers": f"{_own()} OR {_ON_SUBJECT}",
    "seen_marks": _own(),
    "share_links": f"CASE subject_type WHEN 'Document' THEN {_under('documents', 'share_links.subject_id')}"
    f" ELSE {_under('projects', 'share_links.subject_id')} END",
    "former_ranks": "true",
    "attachments": (
        f"{_own('uploader_user_id')} OR {_under('tasks', 'attachments.about_id')}"
        f" OR {_under('documents', 'attachments.about_id')}"
        f" OR {_under('projects', 'attachments.about_id')}"
        f" OR subject_type = 'User' AND ({_own('subject_id')} OR {_COLLEAGUE.format('attachments.subject_id')})"
    ),
    "events": f"{_STREAM} AND (events.project_id IS NULL OR {_in_project('events.project_id')})",
    "streams": _STREAM,
    "audit_entries": _administers_team("audit_entries.team_id"),
    "audit_heads": _administers_team("audit_heads.team_id"),
    "user_jobs": _own("creator_user_id"),
    "templates": _works_in_team("templates.team_id"),
    "webhooks": _in_team("webhooks.team_id"),
    "webhook_queues": _under("webhooks", "webhook_queues.webhook_id"),
    "webhook_deliveries": _under("webhooks", "webhook_deliveries.webhook_id"),
    "notifications": _own(),
    "notification_settings": _own(),
    "calendar_feeds": _own(),
    "notification_deliveries": _own(),
    "push_devices": _own(),
    "mail_reports": f"{_own()} OR {_ADMINISTERS}",
}
"""Which rows of each table the principal may read. Owners and administrators of a team read its audit log."""

NARROWED_VIEWS: Final = {
    "search_entries": """SELECT e.id, e.type, e.place, e.title_key, e.tokens, e.text_at FROM public.search_entries AS e
    WHERE (e.project_id IN (SELECT own.project_id FROM public.hive_own_projects AS own)) IS TRUE""",
}
"""
Views that the role reads in place of the tables of these names.

Behind a policy, Postgres finds no rows by an operator that might leak, such as those that look for words; through a view it does.
`IS TRUE` keeps the projects a hash table that is made once, instead of a join with each row.
"""

UNREADABLE: Final = {
    "account_tokens": "found by a secret, by whoever has no account yet",
    "authorization_codes": "read by the authorization server",
    "device_codes": "read by the authorization server",
    "signing_keys": "read by the server itself",
    "push_keys": "read by the server itself",
    "discarded_blobs": "read by the worker that deletes them",
    "document_heads": "read by rooms and compaction, after the document",
    "document_updates": "read by rooms and compaction, after the document",
    "document_clients": "read by rooms and compaction, after the document",
    "search_terms": "words of everybody, which no answer holds",
    "search_queue": "read by the worker that indexes",
    "consumers": "read by workers",
    "consumer_cursors": "read by workers",
    "consumer_attempts": "read by workers",
    "dead_letters": "read by workers and operators",
    "restores": "read by whoever starts a server from a backup",
    "schedule_runs": "read by workers",
    "jobs": "read by workers",
}
"""The tables that nobody reads as a principal, and why."""


class PoliciesUnusable(Exception):
    """The policies cannot be installed, or do not hold for the role; in words for operators."""


_VERSION = Statement(
    select(func.obj_description(func.to_regclass(literal_column("'hive_own_teams'")), literal_column("'pg_class'")).cast(Text))
)


def _commands() -> list[str]:
    """What brings any database to these policies, whatever it had before."""
    commands = [
        f"""DO $$ BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{ROLE}') THEN
                CREATE ROLE {ROLE} NOLOGIN NOINHERIT;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- for another database of the cluster, at once
        END $$""",
        f"""DO $$ BEGIN
            IF NOT pg_has_role(current_user, '{ROLE}', 'MEMBER') THEN
                EXECUTE format('GRANT {ROLE} TO %I', current_user);
            END IF;
        END $$""",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE}",
        f"CREATE SCHEMA IF NOT EXISTS {ROLE}",
        f"GRANT USAGE ON SCHEMA public, {ROLE} TO {ROLE}",
    ]
    for name, query in _VIEWS.items():
        commands += [f"CREATE OR REPLACE VIEW {name} AS {query}", f"GRANT SELECT ON {name} TO {ROLE}"]
    for name, query in NARROWED_VIEWS.items():
        view = f"{ROLE}.{name}"
        commands += [f"DROP VIEW IF EXISTS {view}", f"CREATE VIEW {view} AS {query}", f"GRANT SELECT ON {view} TO {ROLE}"]
    for table, condition in POLICIES.items():
        commands += [
            f"DROP POLICY IF EXISTS hive_read ON {table}",
            f"CREATE POLICY hive_read ON {table} FOR SELECT TO {ROLE} USING ({condition})",
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"GRANT SELECT ON {table} TO {ROLE}",
        ]
    return commands


async def install(database: Database) -> None:
    """Bring the policies of a migrated database to those of this version. Raises PoliciesUnusable."""
    commands = _commands()
    version = hashlib.sha256("\n".join(commands).encode()).hexdigest()
    if await database.fetch_value(_VERSION) == version:
        return
    try:
        async with database.begin() as connection:
            await connection.raw.execute(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
            for command in (*commands, f"COMMENT ON VIEW hive_own_teams IS '{version}'"):
                await connection.raw.execute(command)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedObjectError) as error:
        raise PoliciesUnusable(
            f"Row-level security cannot be set up: {error}. Let the user of HIVE_DATABASE_URL own the tables, and run "
            f"CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO that user; CREATE SCHEMA {ROLE} AUTHORIZATION that user; as an "
            "administrator of Postgres."
        ) from error
