CREATE INDEX ix_tasks_project_id_team_id_number ON tasks (project_id, team_id, number);

CREATE INDEX ix_tasks_project_id_status_id ON tasks (project_id, status, id);

CREATE INDEX ix_tasks_project_id_priority_id ON tasks (project_id, priority, id);

CREATE INDEX ix_tasks_project_id_created_at_id ON tasks (project_id, created_at, id);

CREATE INDEX ix_tasks_title ON tasks (project_id, left(title_collation, 600), id);

CREATE INDEX ix_tasks_due_on ON tasks (project_id, coalesce(due_on, 'infinity'::date), id);

CREATE INDEX ix_tasks_open_due_on ON tasks (project_id, coalesce(due_on, 'infinity'::date), id) WHERE status < 'DONE';

CREATE INDEX ix_tasks_assignee_open_due_on ON tasks (assignee_user_id, project_id, coalesce(due_on, 'infinity'::date), id) WHERE status < 'DONE';

CREATE INDEX ix_tasks_assignee_user_id_project_id_created_at_id ON tasks (assignee_user_id, project_id, created_at, id);

DROP INDEX ix_tasks_assignee_user_id_created_at_id;

CREATE INDEX ix_documents_project_id_created_at_id ON documents (project_id, created_at, id);

CREATE INDEX ix_documents_title ON documents (project_id, left(title_collation, 600), id);
