CREATE TABLE task_counts (
    project_id UUID NOT NULL,
    backlog INTEGER DEFAULT 0 NOT NULL,
    todo INTEGER DEFAULT 0 NOT NULL,
    in_progress INTEGER DEFAULT 0 NOT NULL,
    in_review INTEGER DEFAULT 0 NOT NULL,
    done INTEGER DEFAULT 0 NOT NULL,
    canceled INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_task_counts PRIMARY KEY (project_id),
    CONSTRAINT fk_task_counts_project_id FOREIGN KEY(project_id) REFERENCES projects (id)
);

CREATE TABLE open_task_counts (
    project_id UUID NOT NULL,
    due_on DATE NOT NULL,
    tasks INTEGER NOT NULL,
    CONSTRAINT pk_open_task_counts PRIMARY KEY (project_id, due_on),
    CONSTRAINT fk_open_task_counts_project_id FOREIGN KEY(project_id) REFERENCES projects (id)
);

LOCK TABLE tasks IN SHARE MODE;

INSERT INTO task_counts (project_id, backlog, todo, in_progress, in_review, done, canceled)
SELECT project_id, count(*) FILTER (WHERE status = 'BACKLOG'), count(*) FILTER (WHERE status = 'TODO'),
    count(*) FILTER (WHERE status = 'IN_PROGRESS'), count(*) FILTER (WHERE status = 'IN_REVIEW'),
    count(*) FILTER (WHERE status = 'DONE'), count(*) FILTER (WHERE status = 'CANCELED')
FROM tasks WHERE deleted_at IS NULL GROUP BY project_id;

INSERT INTO open_task_counts (project_id, due_on, tasks)
SELECT project_id, due_on, count(*) FROM tasks
WHERE deleted_at IS NULL AND status < 'DONE' AND due_on IS NOT NULL GROUP BY project_id, due_on;
