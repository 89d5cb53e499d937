-- So many events of other objects; the one with the number {about_task} is of the task. Ids are as the server's: in the order of time.
INSERT INTO events (stream, position, id, type, version, kind, entity_type, entity_id, about_type, about_id, project_id, payload, at)
SELECT streams.stream, streams.position + n,
  (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '7000' || '8' || lpad(to_hex(streams.position + n), 15, '0'))::uuid,
  'TaskUpdated', 1, 'UPDATED', 'Task', other.id, 'Task', other.id, tasks.project_id, '{{"entity": {{}}, "changes": []}}', now()
FROM tasks JOIN streams ON streams.stream = 'team:' || tasks.team_id, generate_series(1, {events}) AS n,
  LATERAL (SELECT CASE WHEN n = {about_task} THEN tasks.id ELSE md5('{team_id}' || (streams.position + n) % 100000)::uuid END AS id OFFSET 0) AS other
WHERE tasks.id = '{task_id}';
UPDATE streams SET position = position + {events} WHERE stream = 'team:{team_id}';
