"""One of everything that is large beside others of its kind, made by Postgres itself."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

MEMBERS = 5_000
DOCUMENTS = 5_000
VERSIONS = 10_000
COMMENTS = 20_000
NOTIFICATIONS = 50_000
TEAMS = 1_000
PROJECTS = 5_000
LABELS = 5_000
INVITATIONS = 5_000

_SEED = f"""
CREATE TEMP TABLE person AS SELECT gen_random_uuid() AS id, nr FROM generate_series(1, {2 * MEMBERS}) AS nr;
CREATE TEMP TABLE made AS SELECT gen_random_uuid() AS id, nr FROM generate_series(1, {2 * TEAMS}) AS nr;
INSERT INTO users (id, version, created_at, updated_at, email, email_key, first_name, last_name, name_collation, status, time_zone, locale)
SELECT id, 1, now(), now(), id::text, id::text, 'P', nr::text, 'p ' || md5(nr::text), 'ACTIVE', 'UTC', 'en' FROM person;
INSERT INTO teams (id, version, created_at, updated_at, name, name_collation, key, owner_user_id)
SELECT made.id, 1, now(), now(), made.id::text, md5(made.nr::text), 'T' || made.nr, person.id FROM made JOIN person ON person.nr = 1;
-- The first team is large, and so is the second, of others; the viewer is in the first thousand.
INSERT INTO team_members (team_id, user_id, role, joined_at)
SELECT made.id, person.id, (CASE WHEN person.nr % 100 = 7 THEN 'GUEST' ELSE 'MEMBER' END)::team_role, now()
FROM made JOIN person ON (made.nr = 1 AND person.nr <= {MEMBERS}) OR (made.nr = 2 AND (person.nr > {MEMBERS} OR person.nr = 1));
INSERT INTO team_members (team_id, user_id, role, joined_at)
SELECT made.id, person.id, 'MEMBER', now() FROM made JOIN person ON person.nr = 1 WHERE made.nr BETWEEN 3 AND {TEAMS};
INSERT INTO projects (id, version, created_at, updated_at, team_id, name, name_collation, status, visibility)
SELECT gen_random_uuid(), 1, now(), now(), id, 'P' || nr, md5(nr::text), 'ACTIVE', 'TEAM' FROM made;
CREATE TEMP TABLE project AS SELECT projects.id, projects.team_id, made.nr FROM projects JOIN made ON made.id = projects.team_id;
INSERT INTO project_members (project_id, user_id) SELECT project.id, person.id FROM project, person WHERE project.nr = 1 AND person.nr <= {MEMBERS};
INSERT INTO labels (id, version, created_at, updated_at, team_id, name, name_collation, color)
SELECT gen_random_uuid(), 1, now(), now(), made.id, 'Label ' || n, md5(n::text), '#336699' FROM generate_series(1, {LABELS}) AS n, made WHERE made.nr <= 2;
INSERT INTO invitations (id, team_id, email, email_key, role, invited_by_user_id, created_at, expires_at, token_hash)
SELECT gen_random_uuid(), made.id, n || '@x.example', n || '@x.example', 'MEMBER', person.id, now() - (n * 7919 % {INVITATIONS}) * interval '1 s',
  now() + interval '1 day', sha256((made.nr || '-' || n)::bytea)
FROM generate_series(1, {INVITATIONS}) AS n, made JOIN person ON person.nr = 1 WHERE made.nr <= 2;
-- The last team has many projects, a fifth of them private; somebody organises them, and a guest was added to ten.
INSERT INTO team_members (team_id, user_id, role, joined_at)
SELECT made.id, person.id, (CASE WHEN person.nr % 2 = 0 THEN 'GUEST' ELSE 'MEMBER' END)::team_role, now()
FROM made JOIN person ON made.nr = {2 * TEAMS} AND person.nr > {2 * MEMBERS} - 2;
INSERT INTO projects (id, version, created_at, updated_at, team_id, name, name_collation, status, visibility, start_on, end_on)
SELECT gen_random_uuid(), 1, now() - n * interval '1 s', now() - (n * 7919 % {PROJECTS}) * interval '1 s', made.id, 'P' || n, md5(n::text),
  (CASE WHEN n % 3 = 0 THEN 'ARCHIVED' ELSE 'ACTIVE' END)::project_status,
  (CASE WHEN n % 5 = 0 THEN 'PRIVATE' ELSE 'TEAM' END)::project_visibility,
  CASE WHEN n % 2 = 0 THEN '2026-01-01'::date + n % 300 END, CASE WHEN n % 3 = 0 THEN '2027-01-01'::date + n % 300 END
FROM generate_series(1, {PROJECTS}) AS n, made WHERE made.nr = {2 * TEAMS};
INSERT INTO project_members (project_id, user_id)
SELECT projects.id, person.id FROM projects JOIN made ON made.id = projects.team_id AND made.nr = {2 * TEAMS}, person
WHERE person.nr = {2 * MEMBERS} AND projects.name LIKE 'P__';
INSERT INTO documents (id, version, created_at, updated_at, team_id, project_id, owner_user_id, title, title_collation, type, rank,
  latest_number, latest_position)
SELECT gen_random_uuid(), 1, now() - n * interval '1 min', now() - (n * 7919 % 5000) * interval '1 min', project.team_id, project.id,
  person.id, 'Document ' || n, md5(n::text) || CASE WHEN n % 1000 = 7 THEN ' wombat' ELSE '' END,
  (SELECT enumlabel FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid WHERE typname = 'document_type' ORDER BY enumsortorder LIMIT 1)::document_type,
  'a' || lpad(n::text, 9, '0'), 0, 0
FROM generate_series(1, {DOCUMENTS}) AS n, project JOIN person ON person.nr = 1 + project.nr WHERE project.nr <= 2;
INSERT INTO documents (id, version, created_at, updated_at, team_id, project_id, parent_id, owner_user_id, title, title_collation, type, rank,
  latest_number, latest_position)
SELECT gen_random_uuid(), 1, now(), now(), above.team_id, above.project_id, above.id, above.owner_user_id, 'Below ' || n, md5(n::text),
  above.type, 'b' || lpad(n::text, 9, '0'), 0, 0
FROM generate_series(1, {DOCUMENTS}) AS n, documents AS above JOIN project ON project.id = above.project_id
WHERE project.nr = 1 AND above.rank = 'a000000001';
INSERT INTO document_versions (id, document_id, number, name, created_at, position, byte_size, crdt, markdown, text)
SELECT gen_random_uuid(), documents.id, n, CASE WHEN n % 400 = 1 THEN 'Named' END, now(), n, 10, 'c', 'm', 't'
FROM generate_series(1, {VERSIONS}) AS n, documents JOIN project ON project.id = documents.project_id
WHERE documents.rank = 'a000000001' AND project.nr <= 2;
INSERT INTO tasks (id, version, created_at, updated_at, team_id, project_id, number, key, title, title_collation, status, priority, rank)
SELECT gen_random_uuid(), 1, now(), now(), project.team_id, project.id, n, 'T' || project.nr || '-' || n, 'T', 't', 'TODO', 'NONE', 'a' || n
FROM project, generate_series(1, 2) AS n WHERE project.nr <= 3;
INSERT INTO comments (id, version, created_at, updated_at, team_id, project_id, subject_type, subject_id, author_user_id, body, resolved_at)
SELECT gen_random_uuid(), 1, now() - n * interval '1 s', now(), tasks.team_id, tasks.project_id, 'Task', tasks.id, person.id, 'Said',
  CASE WHEN n % 200 > 0 THEN now() END
FROM generate_series(1, {COMMENTS} / 2) AS n, tasks JOIN project ON project.id = tasks.project_id, person
WHERE tasks.number = 1 AND project.nr <= 2 AND person.nr = 1;
INSERT INTO comments (id, version, created_at, updated_at, team_id, project_id, subject_type, subject_id, parent_id, author_user_id, body)
SELECT gen_random_uuid(), 1, now() - (n % 5000) * interval '1 s', now(), first.team_id, first.project_id, 'Task', first.subject_id, first.id,
  first.author_user_id, 'Answered'
FROM generate_series(1, {COMMENTS} / 2) AS n,
  LATERAL (SELECT comments.* FROM comments JOIN project ON project.id = comments.project_id WHERE project.nr = 1
           ORDER BY comments.created_at LIMIT 1) AS first;
INSERT INTO watchers (subject_id, subject_type, user_id)
SELECT tasks.id, 'Task', person.id FROM tasks JOIN project ON project.id = tasks.project_id, person
WHERE tasks.number = 1 AND project.nr = 1 AND person.nr <= {MEMBERS};
-- Of one person; the newest are archived, and of the rest every tenth is about what they do not see any more.
CREATE TEMP TABLE noticed AS SELECT tasks.id, project.nr FROM tasks JOIN project ON project.id = tasks.project_id
WHERE project.nr IN (1, 3) AND tasks.number = 2;
INSERT INTO notifications (id, version, user_id, reason, event_ids, actor_user_id, subject_type, subject_id, group_key, created_at,
  read_at, archived_at, snoozed_until)
SELECT gen_random_uuid(), 1, person.id, (CASE WHEN n % 500 = 3 THEN 'MENTIONED' ELSE 'ASSIGNED' END)::notification_reason, '{{}}', NULL, 'Task',
  noticed.id, n::text, now() - n * interval '1 min',
  CASE WHEN n % 100 > 0 THEN now() END, CASE WHEN n <= {NOTIFICATIONS} - 500 THEN now() END,
  CASE WHEN n > {NOTIFICATIONS} - 500 AND n % 50 = 1 THEN now() + interval '1 day' END
FROM generate_series(1, {NOTIFICATIONS}) AS n JOIN noticed ON noticed.nr = CASE WHEN n % 10 = 4 THEN 3 ELSE 1 END, person
WHERE person.nr IN (2, 3);
INSERT INTO events (stream, position, id, type, version, kind, entity_type, entity_id, about_type, about_id, project_id, payload, at)
SELECT 'team:' || tasks.team_id, n, gen_random_uuid(), CASE WHEN n % 4 = 0 THEN 'TaskUpdated' ELSE 'TaskDerivedChanged' END, 1, 'UPDATED',
  'Task', tasks.id, 'Task', tasks.id, tasks.project_id, '{{}}', now() - n * interval '1 s'
FROM tasks JOIN project ON project.id = tasks.project_id, generate_series(1, {COMMENTS}) AS n WHERE tasks.number = 1 AND project.nr <= 2;
"""


@dataclass(frozen=True)
class LargeEverything:
    """Objects to ask for. `viewer` is in all the teams, `member` only in the large one and has the notifications; `organizer` and
    `guest` are in the team with many projects."""

    viewer: UUID
    member: UUID
    organizer: UUID
    guest: UUID
    team_id: UUID
    crowded_team_id: UUID
    """It has many projects."""
    project_id: UUID
    document_id: UUID
    task_id: UUID
    comment_id: UUID
    """It has answers."""


async def create_large_everything(url: str) -> LargeEverything:
    """Fill the database."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_SEED)
        await connection.execute("VACUUM (ANALYZE)")

        async def one(query: str, *arguments: Any) -> UUID:
            found: UUID = await connection.fetchval(query, *arguments)
            return found

        team_id = await one("SELECT id FROM teams WHERE key = 'T1'")
        project_id = await one("SELECT id FROM projects WHERE team_id = $1", team_id)
        task_id = await one("SELECT id FROM tasks WHERE project_id = $1 AND number = 1", project_id)
        return LargeEverything(
            viewer=await one("SELECT id FROM users WHERE last_name = '1'"),
            member=await one("SELECT id FROM users WHERE last_name = '2'"),
            organizer=await one("SELECT id FROM users WHERE last_name = $1", str(2 * MEMBERS - 1)),
            guest=await one("SELECT id FROM users WHERE last_name = $1", str(2 * MEMBERS)),
            team_id=team_id,
            crowded_team_id=await one("SELECT id FROM teams WHERE key = $1", f"T{2 * TEAMS}"),
            project_id=project_id,
            document_id=await one("SELECT id FROM documents WHERE project_id = $1 AND rank = 'a000000001'", project_id),
            task_id=task_id,
            comment_id=await one(
                "SELECT parent_id FROM comments WHERE subject_id = $1 AND parent_id IS NOT NULL LIMIT 1", task_id
            ),
        )
    finally:
        await connection.close()
