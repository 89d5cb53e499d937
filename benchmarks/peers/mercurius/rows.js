// The SQL of the peer: prepared statements with the rules of persistence/access.py in them, one for each relation.

import { randomUUID } from "node:crypto";

const seen = (project) => `EXISTS (
  SELECT 1 FROM projects sp JOIN team_members sm ON sm.team_id = sp.team_id
  WHERE sp.id = ${project} AND sp.deleted_at IS NULL AND sm.user_id = $1 AND (
    (sp.visibility = 'TEAM' AND sm.role <> 'GUEST')
    OR EXISTS (SELECT 1 FROM project_members own WHERE own.project_id = sp.id AND own.user_id = $1)))`;
const member = (team) => `EXISTS (SELECT 1 FROM team_members sm WHERE sm.team_id = ${team} AND sm.user_id = $1)`;

const TASK = `t.id, t.key, t.title, t.status, t.priority, t.due_on AS "dueOn", t.version, t.updated_at AS "updatedAt",
  t.assignee_user_id AS "assigneeId", t.project_id AS "projectId"`;
const USER = `u.id, u.first_name AS "firstName", u.last_name AS "lastName"`;
const PROJECT = "p.id, p.name, p.status";

// A list for each of many parents ($2), cut at $3.
const lists = (inner) =>
  `SELECT parent.id AS parent, page.* FROM unnest($2::uuid[]) AS parent(id) CROSS JOIN LATERAL (${inner} LIMIT $3) AS page`;

const TEXTS = {
  task: `SELECT ${TASK} FROM tasks t WHERE t.id = $2 AND ${seen("t.project_id")}`,
  project: `SELECT ${PROJECT} FROM projects p WHERE p.id = $2 AND ${seen("p.id")}`,
  team: `SELECT id, name, key FROM teams WHERE id = $2 AND ${member("teams.id")}`,
  users_by_ids: `SELECT ${USER} FROM users u WHERE u.id = ANY($1::uuid[])`,
  projects_by_ids: `SELECT ${PROJECT} FROM projects p WHERE p.id = ANY($2::uuid[]) AND ${seen("p.id")}`,
  members_of_teams: lists(`SELECT ${USER} FROM users u JOIN team_members m ON m.user_id = u.id
    WHERE m.team_id = parent.id AND ${member("m.team_id")} ORDER BY lower(u.first_name || ' ' || u.last_name), u.id`),
  projects_of_teams: lists(`SELECT ${PROJECT} FROM projects p
    WHERE p.team_id = parent.id AND ${seen("p.id")} ORDER BY lower(p.name), p.id`),
  tasks_of_projects: lists(`SELECT ${TASK} FROM tasks t
    WHERE t.project_id = parent.id AND t.deleted_at IS NULL AND ${seen("t.project_id")} ORDER BY t.rank, t.id`),
  comments_of_tasks: lists(`SELECT c.id, c.body, c.created_at AS "createdAt", c.author_user_id AS "authorId"
    FROM comments c JOIN tasks t ON t.id = c.subject_id
    WHERE c.subject_id = parent.id AND c.parent_id IS NULL AND c.deleted_at IS NULL AND ${seen("t.project_id")}
    ORDER BY c.created_at, c.id`),
  lock_task: `SELECT t.* FROM tasks t JOIN projects p ON p.id = t.project_id JOIN team_members m ON m.team_id = p.team_id
    WHERE t.id = $2 AND t.deleted_at IS NULL AND p.deleted_at IS NULL AND p.status <> 'ARCHIVED' AND m.user_id = $1
      AND m.role <> 'GUEST' AND (p.visibility = 'TEAM'
        OR EXISTS (SELECT 1 FROM project_members own WHERE own.project_id = p.id AND own.user_id = $1))
    FOR UPDATE OF t`,
  save_task: `UPDATE tasks t SET title = $2, status = $3::task_status, version = t.version + 1, updated_at = now(),
      completed_at = CASE WHEN $3::task_status IN ('DONE', 'CANCELED') THEN coalesce(t.completed_at, now()) END
    WHERE id = $1 RETURNING ${TASK}`,
  update_task: `UPDATE tasks t SET title = $3, status = $4::task_status, version = t.version + 1, updated_at = now(),
      completed_at = CASE WHEN $4::task_status IN ('DONE', 'CANCELED') THEN coalesce(t.completed_at, now()) END
    FROM projects p JOIN team_members m ON m.team_id = p.team_id
    WHERE t.id = $2 AND t.deleted_at IS NULL AND p.id = t.project_id AND p.deleted_at IS NULL AND p.status <> 'ARCHIVED'
      AND m.user_id = $1 AND m.role <> 'GUEST' AND (p.visibility = 'TEAM'
        OR EXISTS (SELECT 1 FROM project_members own WHERE own.project_id = p.id AND own.user_id = $1))
    RETURNING ${TASK}`,
  bump_stream: `INSERT INTO streams (stream, position) VALUES ($1, 1)
    ON CONFLICT (stream) DO UPDATE SET position = streams.position + 1 RETURNING position`,
  add_event: `INSERT INTO events (stream, position, id, type, version, kind, entity_type, entity_id, about_type, about_id,
      project_id, payload, actor_user_id, at)
    VALUES ($1, $2, $3, 'TaskUpdated', 1, 'UPDATED', 'Task', $4, 'Task', $4, $5, $6, $7, now())`,
};

const ask = (client, name, values) => client.query({ name, text: TEXTS[name], values });
const one = async (pool, name, values) => (await ask(pool, name, values)).rows[0] ?? null;
const many = async (pool, name, values) => (await ask(pool, name, values)).rows;

export const task = (pool, viewer, id) => one(pool, "task", [viewer, id]);
export const project = (pool, viewer, id) => one(pool, "project", [viewer, id]);
export const team = (pool, viewer, id) => one(pool, "team", [viewer, id]);
// Names are seen with what bears them, as in our own graph.
export const usersByIds = (pool, _viewer, ids) => many(pool, "users_by_ids", [ids]);
export const projectsByIds = (pool, viewer, ids) => many(pool, "projects_by_ids", [viewer, ids]);
export const membersOfTeams = (pool, viewer, ids, first) => many(pool, "members_of_teams", [viewer, ids, first]);
export const projectsOfTeams = (pool, viewer, ids, first) => many(pool, "projects_of_teams", [viewer, ids, first]);
export const tasksOfProjects = (pool, viewer, ids, first) => many(pool, "tasks_of_projects", [viewer, ids, first]);
export const commentsOfTasks = (pool, viewer, ids, first) => many(pool, "comments_of_tasks", [viewer, ids, first]);

// One statement, and no event.
export const updateTask = (pool, viewer, { id, title, status }) => one(pool, "update_task", [viewer, id, title, status]);

// What `taskUpdate` of our own server writes: the row, then its place in the team's stream and the event, in one transaction.
export async function updateTaskWithEvent(pool, viewer, { id, title, status }) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const before = await one(client, "lock_task", [viewer, id]);
    const after = before && (await one(client, "save_task", [id, title, status]));
    if (after) {
      const stream = `team:${before.team_id}`;
      const { position } = await one(client, "bump_stream", [stream]);
      const entity = { ...before, title, status, version: after.version, updated_at: after.updatedAt };
      const changes = [
        { field: "title", before: before.title, after: title },
        { field: "status", before: before.status, after: status },
      ];
      const payload = JSON.stringify({ entity, changes });
      await ask(client, "add_event", [stream, position, randomUUID(), id, before.project_id, payload, viewer]);
    }
    await client.query("COMMIT");
    return after;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}
