CREATE TABLE consumers (
    name TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_consumers PRIMARY KEY (name)
);

CREATE TABLE consumer_cursors (
    stream TEXT NOT NULL,
    consumer TEXT NOT NULL,
    position BIGINT NOT NULL,
    failures INTEGER DEFAULT 0 NOT NULL,
    retry_at TIMESTAMP WITH TIME ZONE,
    error TEXT,
    CONSTRAINT pk_consumer_cursors PRIMARY KEY (stream, consumer)
);

CREATE TABLE dead_letters (
    id UUID NOT NULL,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    stream TEXT,
    position BIGINT,
    payload JSONB NOT NULL,
    error TEXT NOT NULL,
    tries INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_dead_letters PRIMARY KEY (id)
);

CREATE INDEX ix_dead_letters_created_at_id ON dead_letters (created_at, id);

CREATE TABLE schedule_runs (
    name TEXT NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_schedule_runs PRIMARY KEY (name)
);

CREATE TABLE jobs (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    payload JSONB NOT NULL,
    run_at TIMESTAMP WITH TIME ZONE NOT NULL,
    tries INTEGER DEFAULT 0 NOT NULL,
    error TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_jobs PRIMARY KEY (id)
);

CREATE INDEX ix_jobs_kind_run_at ON jobs (kind, run_at);

CREATE INDEX ix_jobs_tried ON jobs (run_at) WHERE tries > 0;
