CREATE TABLE former_ranks (
    item_id UUID NOT NULL,
    rank_hash TEXT NOT NULL,
    rank TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_former_ranks PRIMARY KEY (item_id, rank_hash)
);

CREATE INDEX ix_former_ranks_created_at ON former_ranks (created_at);

CREATE INDEX ix_tasks_long_rank ON tasks (project_id) WHERE length(rank) > 64;

CREATE INDEX ix_documents_long_rank ON documents (project_id) WHERE length(rank) > 64;
