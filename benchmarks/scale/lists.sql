-- What a team has; numbers and names are put in place of what stands in braces.
CREATE TEMP TABLE person AS SELECT gen_random_uuid() AS id, nr FROM generate_series(1, {members}) AS nr;
CREATE TEMP TABLE made AS SELECT gen_random_uuid() AS id, nr FROM generate_series(1, {teams}) AS nr;
INSERT INTO users (id, version, created_at, updated_at, email, email_key, email_verified_at, password_hash, first_name, last_name,
  name_collation, status, time_zone, locale)
SELECT id, 1, now(), now(), '{name}-' || nr || '@lists.example', '{name}-' || nr || '@lists.example', now(), '{password_hash}', 'Sam',
  nr::text, 'sam ' || md5(nr::text), 'ACTIVE', 'UTC', 'en' FROM person;
INSERT INTO teams (id, version, created_at, updated_at, name, name_collation, key, owner_user_id)
SELECT made.id, 1, now(), now(), '{name} ' || made.nr, '{name} ' || md5(made.nr::text), '{key}' || made.nr, person.id
FROM made JOIN person ON person.nr = 1;
INSERT INTO team_members (team_id, user_id, role, joined_at)
SELECT made.id, person.id, (CASE person.nr WHEN 1 THEN 'OWNER' ELSE 'MEMBER' END)::team_role, now()
FROM made JOIN person ON person.nr = 1 OR made.nr = 1;
INSERT INTO projects (id, version, created_at, updated_at, team_id, name, name_collation, status, visibility)
SELECT gen_random_uuid(), 1, now() - n * interval '1 min', now(), made.id, 'P ' || n, md5(n::text), 'ACTIVE', 'TEAM'
FROM made, generate_series(1, {projects}) AS n WHERE made.nr = 1;
CREATE TEMP TABLE project AS SELECT id, team_id FROM projects WHERE name = 'P 1' AND team_id = (SELECT id FROM made WHERE nr = 1);
INSERT INTO project_members (project_id, user_id) SELECT project.id, person.id FROM project, person;
INSERT INTO documents (id, version, created_at, updated_at, team_id, project_id, owner_user_id, title, title_collation, type, rank,
  latest_number, latest_position)
SELECT gen_random_uuid(), 1, now() - n * interval '1 min', now() - (n * 7919 % 5000) * interval '1 min', project.team_id, project.id,
  person.id, 'Document ' || n, md5(n::text) || CASE WHEN n % 1000 = 7 THEN ' wombat' ELSE '' END, 'TEXT',
  'a' || lpad(n::text, 9, '0'), 0, 0
FROM generate_series(1, {documents}) AS n, project, person WHERE person.nr = 1;
INSERT INTO documents (id, version, created_at, updated_at, team_id, project_id, parent_id, owner_user_id, title, title_collation, type,
  rank, latest_number, latest_position)
SELECT gen_random_uuid(), 1, now(), now(), above.team_id, above.project_id, above.id, above.owner_user_id, 'Below ' || n, md5(n::text),
  above.type, 'b' || lpad(n::text, 9, '0'), 0, 0
FROM generate_series(1, {documents}) AS n, documents AS above JOIN project ON project.id = above.project_id
WHERE above.rank = 'a000000001';
INSERT INTO document_versions (id, document_id, number, name, created_at, position, byte_size, crdt, markdown, text)
SELECT gen_random_uuid(), documents.id, n, CASE WHEN n % 40 = 1 THEN 'Named' END, now(), n, 10, 'c', 'm', 't'
FROM generate_series(1, {versions}) AS n, documents JOIN project ON project.id = documents.project_id
WHERE documents.rank = 'a000000001';
INSERT INTO tasks (id, version, created_at, updated_at, team_id, project_id, number, key, title, title_collation, status, priority, rank)
SELECT gen_random_uuid(), 1, now(), now(), project.team_id, project.id, 1, '{key}1-1', 'T', 't', 'TODO', 'NONE', 'a' FROM project;
CREATE TEMP TABLE task AS SELECT tasks.* FROM tasks JOIN project ON project.id = tasks.project_id;
INSERT INTO comments (id, version, created_at, updated_at, team_id, project_id, subject_type, subject_id, author_user_id, body, resolved_at)
SELECT gen_random_uuid(), 1, now() - n * interval '1 s', now(), task.team_id, task.project_id, 'Task', task.id, person.id, 'Said',
  CASE WHEN n % 200 > 0 THEN now() END
FROM generate_series(1, {comments}) AS n, task, person WHERE person.nr = 1;
INSERT INTO comments (id, version, created_at, updated_at, team_id, project_id, subject_type, subject_id, parent_id, author_user_id, body)
SELECT gen_random_uuid(), 1, now() - (n % 5000) * interval '1 s', now(), first.team_id, first.project_id, 'Task', first.subject_id, first.id,
  first.author_user_id, 'Answered'
FROM generate_series(1, {comments}) AS n,
  LATERAL (SELECT comments.* FROM comments JOIN task ON task.id = comments.subject_id ORDER BY comments.created_at LIMIT 1) AS first;
INSERT INTO watchers (subject_id, subject_type, user_id) SELECT task.id, 'Task', person.id FROM task, person;
INSERT INTO notifications (id, version, user_id, reason, event_ids, actor_user_id, subject_type, subject_id, group_key, created_at,
  read_at, archived_at)
SELECT gen_random_uuid(), 1, person.id, (CASE WHEN n % 500 = 3 THEN 'MENTIONED' ELSE 'ASSIGNED' END)::notification_reason, '{{}}', NULL,
  'Task', task.id, n::text, now() - n * interval '1 min', CASE WHEN n % 10 > 0 THEN now() END, CASE WHEN n > {notifications} / 2 THEN now() END
FROM generate_series(1, {notifications}) AS n, person, task WHERE person.nr = 1;
INSERT INTO streams (stream, position) SELECT 'team:' || id, 0 FROM made ON CONFLICT DO NOTHING;
