CREATE TABLE device_codes (
    id UUID NOT NULL,
    code_hash BYTEA NOT NULL,
    user_code TEXT NOT NULL,
    client_id UUID NOT NULL,
    scopes TEXT[] NOT NULL,
    resource TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    polled_at TIMESTAMP WITH TIME ZONE,
    user_id UUID,
    approved BOOLEAN,
    authenticated_at TIMESTAMP WITH TIME ZONE,
    session_id UUID,
    CONSTRAINT pk_device_codes PRIMARY KEY (id),
    CONSTRAINT uq_device_codes_user_code UNIQUE (user_code),
    CONSTRAINT fk_device_codes_client_id FOREIGN KEY(client_id) REFERENCES oauth_clients (id),
    CONSTRAINT fk_device_codes_user_id FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_device_codes_created_at ON device_codes (created_at);
