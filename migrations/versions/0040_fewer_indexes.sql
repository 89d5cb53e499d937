DROP INDEX uq_tasks_team_number;

DROP INDEX ix_tasks_key;

CREATE UNIQUE INDEX uq_tasks_key ON tasks (key);

DROP INDEX ix_tasks_parent_id_rank;

CREATE INDEX ix_tasks_parent_id_rank ON tasks (parent_id, rank) WHERE parent_id IS NOT NULL;

DROP INDEX ix_tasks_project_id_status_id;

DROP INDEX ix_tasks_assignee_user_id_project_id_created_at_id;

CREATE INDEX ix_tasks_assignee_user_id_project_id_created_at_id ON tasks (assignee_user_id, project_id, created_at, id) WHERE assignee_user_id IS NOT NULL;

CREATE INDEX ix_tasks_creator_user_id_project_id_created_at_id ON tasks (creator_user_id, project_id, created_at, id);

DROP INDEX ix_tasks_assigned_due_on;

DROP INDEX ix_tasks_assignee_open_due_on;

CREATE INDEX ix_tasks_assignee_open_due_on ON tasks (assignee_user_id, project_id, coalesce(due_on, 'infinity'::date), id) WHERE status < 'DONE' AND assignee_user_id IS NOT NULL;

CREATE INDEX ix_open_task_counts_due_on ON open_task_counts (due_on);
