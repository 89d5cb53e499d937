CREATE TABLE user_jobs (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    creator_user_id UUID NOT NULL,
    team_id UUID NOT NULL,
    scopes TEXT[] NOT NULL,
    parameters JSONB NOT NULL,
    attempt INTEGER NOT NULL,
    rows_done INTEGER NOT NULL,
    rows_total INTEGER,
    message TEXT,
    started_at TIMESTAMP WITH TIME ZONE,
    finished_at TIMESTAMP WITH TIME ZONE,
    result JSONB,
    files JSONB NOT NULL,
    issues JSONB NOT NULL,
    project_ids UUID[] NOT NULL,
    CONSTRAINT pk_user_jobs PRIMARY KEY (id),
    CONSTRAINT fk_user_jobs_creator_user_id FOREIGN KEY(creator_user_id) REFERENCES users (id),
    CONSTRAINT fk_user_jobs_team_id FOREIGN KEY(team_id) REFERENCES teams (id)
);

CREATE INDEX ix_user_jobs_creator_user_id_created_at_id ON user_jobs (creator_user_id, created_at, id);

CREATE INDEX ix_user_jobs_finished_at ON user_jobs (finished_at) WHERE finished_at IS NOT NULL;

CREATE INDEX ix_user_jobs_unfinished ON user_jobs (team_id, created_at, id) WHERE finished_at IS NULL;

ALTER TABLE jobs ADD COLUMN postponed INTEGER DEFAULT 0 NOT NULL;
