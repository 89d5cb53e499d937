CREATE TABLE search_entries (
    id UUID NOT NULL,
    type TEXT NOT NULL,
    project_id UUID NOT NULL,
    place TEXT NOT NULL,
    subject_id UUID,
    title_key TEXT NOT NULL,
    tokens TSVECTOR NOT NULL,
    text_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_search_entries PRIMARY KEY (id)
);

CREATE INDEX ix_search_entries_place_text_at_id ON search_entries (place, text_at, id);

CREATE INDEX ix_search_entries_place_title_key ON search_entries (place, title_key) WHERE title_key <> '';

CREATE INDEX ix_search_entries_subject_id ON search_entries (subject_id) WHERE subject_id IS NOT NULL;

CREATE INDEX ix_search_entries_tokens ON search_entries USING gin ((ARRAY[place]), tokens) WITH (gin_pending_list_limit = 256);

CREATE TABLE search_terms (
    term TEXT NOT NULL,
    lookup_keys INTEGER[] NOT NULL,
    CONSTRAINT pk_search_terms PRIMARY KEY (term)
);

CREATE INDEX ix_search_terms_lookup_keys ON search_terms USING gin (lookup_keys);

CREATE TABLE search_queue (
    type TEXT NOT NULL,
    id UUID NOT NULL,
    is_indexed BOOLEAN NOT NULL,
    CONSTRAINT pk_search_queue PRIMARY KEY (type, id)
);

INSERT INTO search_queue (type, id, is_indexed)
SELECT 'Project', id, false FROM projects
UNION ALL SELECT 'Task', id, false FROM tasks
UNION ALL SELECT 'Document', id, false FROM documents
UNION ALL SELECT 'Comment', id, false FROM comments
UNION ALL SELECT 'Attachment', id, false FROM attachments WHERE state = 'READY' AND subject_id IS NOT NULL
UNION ALL SELECT 'User', id, true FROM users
UNION ALL SELECT 'Team', id, true FROM teams;
