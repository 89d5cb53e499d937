"""The SQL of the limit: the rules of `persistence.access`, written out by hand. The viewer is $1 wherever there are rules."""


def _may_see_project(project_id: str) -> str:
    """The viewer may see the project with this id."""
    return f"""EXISTS (
        SELECT 1 FROM projects sp JOIN team_members sm ON sm.team_id = sp.team_id
        WHERE sp.id = {project_id} AND sp.deleted_at IS NULL AND sm.user_id = $1 AND (
            (sp.visibility = 'TEAM' AND sm.role <> 'GUEST')
            OR EXISTS (SELECT 1 FROM project_members own WHERE own.project_id = sp.id AND own.user_id = $1)
        )
    )"""  # noqa: S608 (no value of a request is in it)


_MEMBER = "EXISTS (SELECT 1 FROM team_members sm WHERE sm.team_id = $2 AND sm.user_id = $1)"

TASK = f"""
    SELECT t.id, t.key, t.title, t.status, t.priority, t.due_on, t.updated_at,
        u.id AS assignee_id, u.first_name, u.last_name, p.id AS project_id, p.name AS project_name, p.status AS project_status
    FROM tasks t JOIN projects p ON p.id = t.project_id LEFT JOIN users u ON u.id = t.assignee_user_id
    WHERE t.id = $2 AND {_may_see_project("t.project_id")}"""  # noqa: S608

PROJECT = f"SELECT p.id, p.name, p.status FROM projects p WHERE p.id = $2 AND {_may_see_project('p.id')}"  # noqa: S608

TEAM = f"SELECT id, name, key FROM teams WHERE id = $2 AND {_MEMBER}"  # noqa: S608

USERS = "SELECT id, first_name, last_name FROM users WHERE id = ANY($1::uuid[])"

MEMBERS_OF_TEAM = f"""
    SELECT u.id, u.first_name, u.last_name FROM users u JOIN team_members m ON m.user_id = u.id
    WHERE m.team_id = $2 AND {_MEMBER}
    ORDER BY lower(u.first_name || ' ' || u.last_name), u.id LIMIT $3"""  # noqa: S608

PROJECTS_OF_TEAM = f"""
    SELECT p.id, p.name, p.status FROM projects p
    WHERE p.team_id = $2 AND {_may_see_project("p.id")} ORDER BY lower(p.name), p.id LIMIT $3"""  # noqa: S608

TASKS_OF_PROJECTS = f"""
    SELECT parent.id AS parent, page.* FROM unnest($2::uuid[]) AS parent(id) CROSS JOIN LATERAL (
        SELECT t.id, t.key, t.title, t.status, t.priority, t.due_on, t.updated_at, t.assignee_user_id AS assignee_id
        FROM tasks t
        WHERE t.project_id = parent.id AND t.deleted_at IS NULL AND {_may_see_project("t.project_id")}
        ORDER BY t.rank, t.id LIMIT $3
    ) AS page"""  # noqa: S608

COMMENTS_OF_TASKS = f"""
    SELECT parent.id AS parent, page.* FROM unnest($2::uuid[]) AS parent(id) CROSS JOIN LATERAL (
        SELECT c.id, c.body, c.created_at, c.author_user_id AS author_id
        FROM comments c JOIN tasks t ON t.id = c.subject_id
        WHERE c.subject_id = parent.id AND c.parent_id IS NULL AND c.deleted_at IS NULL AND {_may_see_project("t.project_id")}
        ORDER BY c.created_at, c.id LIMIT $3
    ) AS page"""  # noqa: S608

LOCK_TASK = """
    SELECT t.* FROM tasks t JOIN projects p ON p.id = t.project_id JOIN team_members m ON m.team_id = p.team_id
    WHERE t.id = $2 AND t.deleted_at IS NULL AND p.deleted_at IS NULL AND p.status <> 'ARCHIVED'
        AND m.user_id = $1 AND m.role <> 'GUEST' AND (
            p.visibility = 'TEAM'
            OR EXISTS (SELECT 1 FROM project_members own WHERE own.project_id = p.id AND own.user_id = $1)
        )
    FOR UPDATE OF t"""

SAVE_TASK = """
    UPDATE tasks SET title = $2, status = $3::task_status, version = version + 1, updated_at = now(),
        completed_at = CASE WHEN $3::task_status IN ('DONE', 'CANCELED') THEN coalesce(completed_at, now()) END
    WHERE id = $1 RETURNING id, title, status, version, updated_at"""

BUMP_STREAM = """
    INSERT INTO streams (stream, position) VALUES ($1, 1)
    ON CONFLICT (stream) DO UPDATE SET position = streams.position + 1 RETURNING position"""

ADD_EVENT = """
    INSERT INTO events (stream, position, id, type, version, kind, entity_type, entity_id, about_type, about_id,
        project_id, payload, actor_user_id, at)
    VALUES ($1, $2, gen_random_uuid(), 'TaskUpdated', 1, 'UPDATED', 'Task', $3, 'Task', $3, $4, $5::text::jsonb, $6, now())"""
