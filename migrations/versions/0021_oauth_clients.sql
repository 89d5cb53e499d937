CREATE TABLE oauth_clients (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    team_id UUID NOT NULL,
    bot_user_id UUID NOT NULL,
    name TEXT NOT NULL,
    is_public BOOLEAN NOT NULL,
    redirect_uris TEXT[] NOT NULL,
    grants TEXT[] NOT NULL,
    scopes TEXT[] NOT NULL,
    secret_hash BYTEA,
    previous_secret_hash BYTEA,
    previous_secret_expires_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_oauth_clients PRIMARY KEY (id),
    CONSTRAINT fk_oauth_clients_team_id FOREIGN KEY(team_id) REFERENCES teams (id),
    CONSTRAINT fk_oauth_clients_bot_user_id FOREIGN KEY(bot_user_id) REFERENCES users (id)
);

CREATE INDEX ix_oauth_clients_team_id ON oauth_clients (team_id);
