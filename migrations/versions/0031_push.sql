ALTER TYPE notification_channel ADD VALUE 'PUSH';

CREATE TYPE push_platform AS ENUM ('APNS', 'FCM', 'WEB');

ALTER TABLE notification_settings ADD COLUMN push_content BOOLEAN DEFAULT false NOT NULL;

CREATE TABLE push_devices (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    platform push_platform NOT NULL,
    token TEXT NOT NULL,
    token_hash BYTEA NOT NULL,
    label TEXT,
    session_id UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    failing_since TIMESTAMP WITH TIME ZONE,
    retry_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_push_devices PRIMARY KEY (id),
    CONSTRAINT fk_push_devices_user_id FOREIGN KEY(user_id) REFERENCES users (id),
    CONSTRAINT uq_push_devices_token_hash UNIQUE (token_hash)
);

CREATE INDEX ix_push_devices_user_id ON push_devices (user_id);

CREATE TABLE push_keys (
    id UUID NOT NULL,
    encrypted_jwk TEXT NOT NULL,
    "only" BOOLEAN DEFAULT true NOT NULL,
    CONSTRAINT pk_push_keys PRIMARY KEY (id),
    CONSTRAINT uq_push_keys_only UNIQUE ("only")
);
