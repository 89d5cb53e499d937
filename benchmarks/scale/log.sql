-- So many events of other objects, and one of the task at the end.
INSERT INTO events (stream, position, id, type, version, kind, entity_type, entity_id, about_type, about_id, project_id, payload, at)
SELECT 'team:' || tasks.team_id, streams.position + n, gen_random_uuid(), 'TaskUpdated', 1, 'UPDATED', 'Task', other.id, 'Task', other.id,
  tasks.project_id, '{{"entity": {{}}, "changes": []}}', now()
FROM tasks JOIN streams ON streams.stream = 'team:' || tasks.team_id, generate_series(1, {events}) AS n,
  LATERAL (SELECT CASE WHEN n = {events} THEN tasks.id ELSE gen_random_uuid() END AS id OFFSET 0) AS other
WHERE tasks.id = '{task_id}';
UPDATE streams SET position = position + {events} WHERE stream = 'team:{team_id}';
