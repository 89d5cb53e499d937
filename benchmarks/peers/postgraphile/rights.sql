-- What the role of PostGraphile may see and do: the rules of persistence/access.py as row-level security. The viewer is the setting
-- `jwt.claims.user_id` of the transaction. Superusers, as which all other contestants connect, pass by these policies.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bench_viewer') THEN
    CREATE ROLE bench_viewer LOGIN;
  END IF;
END $$;

GRANT SELECT (id, name, key) ON teams TO bench_viewer;
GRANT SELECT (team_id, user_id, role, joined_at) ON team_members TO bench_viewer;
GRANT SELECT (id, team_id, name, status, visibility) ON projects TO bench_viewer;
GRANT SELECT ON tasks TO bench_viewer;
GRANT UPDATE (title, status, completed_at, version, updated_at) ON tasks TO bench_viewer;
GRANT SELECT (id, subject_id, parent_id, author_user_id, body, created_at) ON comments TO bench_viewer;
-- Names are seen with what bears them: no policy, but only these columns.
GRANT SELECT (id, first_name, last_name) ON users TO bench_viewer;

CREATE SCHEMA rights;
GRANT USAGE ON SCHEMA rights TO bench_viewer;

CREATE FUNCTION rights.viewer() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('jwt.claims.user_id', true), '')::uuid;

CREATE FUNCTION rights.teams() RETURNS SETOF uuid LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
  BEGIN ATOMIC
    SELECT team_id FROM public.team_members WHERE user_id = rights.viewer();
  END;

CREATE FUNCTION rights.projects() RETURNS SETOF uuid LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
  BEGIN ATOMIC
    SELECT p.id
    FROM public.projects p JOIN public.team_members m ON m.team_id = p.team_id
    WHERE m.user_id = rights.viewer() AND p.deleted_at IS NULL
      AND ((p.visibility = 'TEAM' AND m.role <> 'GUEST')
        OR EXISTS (SELECT FROM public.project_members own WHERE own.project_id = p.id AND own.user_id = m.user_id));
  END;

-- Where the viewer may change tasks: not as a guest, and not in an archived project.
CREATE FUNCTION rights.open_projects() RETURNS SETOF uuid LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
  BEGIN ATOMIC
    SELECT p.id
    FROM public.projects p JOIN public.team_members m ON m.team_id = p.team_id
    WHERE m.user_id = rights.viewer() AND m.role <> 'GUEST' AND p.status <> 'ARCHIVED' AND p.id IN (SELECT rights.projects());
  END;

ALTER TABLE teams ENABLE ROW LEVEL SECURITY;
ALTER TABLE team_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
ALTER TABLE comments ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON teams FOR SELECT TO bench_viewer USING (id IN (SELECT rights.teams()));
CREATE POLICY seen ON team_members FOR SELECT TO bench_viewer USING (team_id IN (SELECT rights.teams()));
CREATE POLICY seen ON projects FOR SELECT TO bench_viewer USING (id IN (SELECT rights.projects()));
CREATE POLICY seen ON tasks FOR SELECT TO bench_viewer USING (project_id IN (SELECT rights.projects()));
CREATE POLICY changed ON tasks FOR UPDATE TO bench_viewer USING (deleted_at IS NULL AND project_id IN (SELECT rights.open_projects()));
CREATE POLICY seen ON comments FOR SELECT TO bench_viewer
  USING (deleted_at IS NULL AND project_id IN (SELECT rights.projects()));

-- What `taskUpdate` is to PostGraphile: a function in the schema is a mutation in the graph.
CREATE FUNCTION task_update(task_id uuid, title text, status task_status) RETURNS tasks LANGUAGE sql VOLATILE AS $$
  UPDATE public.tasks SET
    title = task_update.title,
    status = task_update.status,
    completed_at = CASE WHEN task_update.status IN ('DONE', 'CANCELED') THEN coalesce(tasks.completed_at, now()) END,
    version = tasks.version + 1,
    updated_at = now()
  WHERE tasks.id = task_update.task_id
  RETURNING *;
$$;

-- Smart tags: a comment's subject is a task as far as is asked here, and lists are sorted by these columns.
COMMENT ON TABLE comments IS E'@foreignKey (subject_id) references tasks (id)|@fieldName task|@foreignFieldName comments';
COMMENT ON COLUMN tasks.rank IS '@behavior +orderBy +attribute:orderBy';
COMMENT ON COLUMN comments.created_at IS '@behavior +orderBy +attribute:orderBy';
COMMENT ON COLUMN comments.parent_id IS '@behavior +filterBy +attribute:filterBy';
COMMENT ON COLUMN tasks.deleted_at IS '@behavior +filterBy +attribute:filterBy';
