CREATE TABLE document_heads (
    document_id UUID NOT NULL,
    position BIGINT NOT NULL,
    trimmed_to BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_document_heads PRIMARY KEY (document_id)
);

CREATE TABLE document_updates (
    document_id UUID NOT NULL,
    position BIGINT NOT NULL,
    data BYTEA NOT NULL,
    author_user_id UUID,
    session_id TEXT,
    client_mutation_id TEXT,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_document_updates PRIMARY KEY (document_id, position)
);

CREATE UNIQUE INDEX uq_document_updates_client_mutation_id
    ON document_updates (document_id, author_user_id, client_mutation_id)
    WHERE client_mutation_id IS NOT NULL;

CREATE TABLE document_clients (
    document_id UUID NOT NULL,
    client_id BIGINT NOT NULL,
    user_id UUID NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_document_clients PRIMARY KEY (document_id, client_id)
);
