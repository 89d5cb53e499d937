ALTER TABLE sessions
    ADD COLUMN kind TEXT DEFAULT 'DIRECT' NOT NULL,
    ADD COLUMN client_id UUID,
    ADD COLUMN scopes TEXT[] DEFAULT '{}' NOT NULL,
    ADD CONSTRAINT fk_sessions_client_id FOREIGN KEY(client_id) REFERENCES oauth_clients (id);

CREATE INDEX ix_sessions_client_id ON sessions (client_id);

CREATE TABLE authorization_codes (
    id UUID NOT NULL,
    code_hash BYTEA NOT NULL,
    client_id UUID NOT NULL,
    user_id UUID NOT NULL,
    redirect_uri TEXT NOT NULL,
    scopes TEXT[] NOT NULL,
    code_challenge TEXT NOT NULL,
    nonce TEXT,
    resource TEXT,
    authenticated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    session_id UUID,
    CONSTRAINT pk_authorization_codes PRIMARY KEY (id),
    CONSTRAINT fk_authorization_codes_client_id FOREIGN KEY(client_id) REFERENCES oauth_clients (id),
    CONSTRAINT fk_authorization_codes_user_id FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_authorization_codes_created_at ON authorization_codes (created_at);

CREATE TABLE oauth_consents (
    user_id UUID NOT NULL,
    client_id UUID NOT NULL,
    scopes TEXT[] NOT NULL,
    granted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_oauth_consents PRIMARY KEY (user_id, client_id),
    CONSTRAINT fk_oauth_consents_user_id FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT fk_oauth_consents_client_id FOREIGN KEY(client_id) REFERENCES oauth_clients (id)
);
