CREATE TYPE attachment_state AS ENUM ('PENDING', 'READY', 'REJECTED');

CREATE TABLE attachments (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    uploader_user_id UUID,
    subject_type TEXT,
    subject_id UUID,
    about_type TEXT,
    about_id UUID,
    file_name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    byte_size BIGINT NOT NULL,
    sha256 TEXT,
    state attachment_state NOT NULL,
    CONSTRAINT pk_attachments PRIMARY KEY (id),
    CONSTRAINT fk_attachments_uploader_user_id FOREIGN KEY (uploader_user_id) REFERENCES users (id)
);

CREATE INDEX ix_attachments_subject_id_created_at_id ON attachments (subject_id, created_at, id);

CREATE INDEX ix_attachments_waiting_uploader ON attachments (uploader_user_id) WHERE NOT (state = 'READY' AND subject_id IS NOT NULL);

CREATE INDEX ix_attachments_waiting_since ON attachments (created_at) WHERE NOT (state = 'READY' AND subject_id IS NOT NULL);

CREATE TABLE discarded_blobs (
    key TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_discarded_blobs PRIMARY KEY (key)
);

ALTER TABLE users ADD COLUMN avatar_id UUID;
