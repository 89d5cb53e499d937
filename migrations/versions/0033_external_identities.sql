CREATE TABLE external_identities (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    provider TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    email TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_used_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_external_identities PRIMARY KEY (id),
    CONSTRAINT uq_external_identities_issuer_subject UNIQUE (issuer, subject),
    CONSTRAINT fk_external_identities_user_id FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_external_identities_user_id ON external_identities (user_id);
