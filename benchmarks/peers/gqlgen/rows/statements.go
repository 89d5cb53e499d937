package rows

const (
	taskColumns    = `t.id, t.key, t.title, t.status::text, t.priority::text, t.due_on, t.version, t.updated_at, t.assignee_user_id, t.project_id`
	userColumns    = `u.id, u.first_name, u.last_name`
	projectColumns = `p.id, p.name, p.status::text`
)

// The rules of persistence/access.py: who sees a project, and who a team.
func seen(project string) string {
	return `EXISTS (
  SELECT 1 FROM projects sp JOIN team_members sm ON sm.team_id = sp.team_id
  WHERE sp.id = ` + project + ` AND sp.deleted_at IS NULL AND sm.user_id = $1 AND (
    (sp.visibility = 'TEAM' AND sm.role <> 'GUEST')
    OR EXISTS (SELECT 1 FROM project_members own WHERE own.project_id = sp.id AND own.user_id = $1)))`
}

func member(team string) string {
	return `EXISTS (SELECT 1 FROM team_members sm WHERE sm.team_id = ` + team + ` AND sm.user_id = $1)`
}

// A list for each of many parents ($2), cut at $3.
func lists(inner string) string {
	return `SELECT parent.id, page.* FROM unnest($2::uuid[]) AS parent(id) CROSS JOIN LATERAL (` + inner + ` LIMIT $3) AS page`
}

var (
	taskById     = `SELECT ` + taskColumns + ` FROM tasks t WHERE t.id = $2 AND ` + seen(`t.project_id`)
	projectById  = `SELECT ` + projectColumns + ` FROM projects p WHERE p.id = $2 AND ` + seen(`p.id`)
	teamById     = `SELECT id, name, key FROM teams WHERE id = $2 AND ` + member(`teams.id`)
	usersByIds   = `SELECT ` + userColumns + ` FROM users u WHERE u.id = ANY($1::uuid[])`
	projectsById = `SELECT ` + projectColumns + ` FROM projects p WHERE p.id = ANY($2::uuid[]) AND ` + seen(`p.id`)

	membersOfTeams = lists(`SELECT ` + userColumns + ` FROM users u JOIN team_members m ON m.user_id = u.id
    WHERE m.team_id = parent.id AND ` + member(`m.team_id`) + ` ORDER BY lower(u.first_name || ' ' || u.last_name), u.id`)
	projectsOfTeams = lists(`SELECT ` + projectColumns + ` FROM projects p
    WHERE p.team_id = parent.id AND ` + seen(`p.id`) + ` ORDER BY lower(p.name), p.id`)
	tasksOfProjects = lists(`SELECT ` + taskColumns + ` FROM tasks t
    WHERE t.project_id = parent.id AND t.deleted_at IS NULL AND ` + seen(`t.project_id`) + ` ORDER BY t.rank, t.id`)
	commentsOfTasks = lists(`SELECT c.id, c.body, c.created_at, c.author_user_id
    FROM comments c JOIN tasks t ON t.id = c.subject_id
    WHERE c.subject_id = parent.id AND c.parent_id IS NULL AND c.deleted_at IS NULL AND ` + seen(`t.project_id`) + `
    ORDER BY c.created_at, c.id`)

	updateTask = `UPDATE tasks t SET title = $3, status = $4::text::task_status, version = t.version + 1, updated_at = now(),
      completed_at = CASE WHEN $4::text IN ('DONE', 'CANCELED') THEN coalesce(t.completed_at, now()) END
    FROM projects p JOIN team_members m ON m.team_id = p.team_id
    WHERE t.id = $2 AND t.deleted_at IS NULL AND p.id = t.project_id AND p.deleted_at IS NULL AND p.status <> 'ARCHIVED'
      AND m.user_id = $1 AND m.role <> 'GUEST' AND (p.visibility = 'TEAM'
        OR EXISTS (SELECT 1 FROM project_members own WHERE own.project_id = p.id AND own.user_id = $1))
    RETURNING ` + taskColumns
)
