CREATE TYPE user_status AS ENUM ('ACTIVE', 'INACTIVE', 'PENDING');

CREATE TYPE team_role AS ENUM ('OWNER', 'ADMIN', 'MEMBER', 'GUEST');

CREATE TYPE project_status AS ENUM ('ACTIVE', 'COMPLETED', 'ARCHIVED');

CREATE TYPE project_visibility AS ENUM ('TEAM', 'PRIVATE');

CREATE TYPE task_status AS ENUM ('BACKLOG', 'TODO', 'IN_PROGRESS', 'IN_REVIEW', 'DONE', 'CANCELED');

CREATE TYPE task_priority AS ENUM ('NONE', 'LOW', 'MEDIUM', 'HIGH', 'URGENT');

CREATE TYPE task_link_kind AS ENUM ('BLOCKS', 'BLOCKED_BY', 'RELATES_TO', 'DUPLICATES', 'DUPLICATED_BY');

CREATE TYPE change_kind AS ENUM ('CREATED', 'UPDATED', 'DELETED', 'RESTORED', 'MOVED', 'COMMENTED', 'REACTED', 'ATTACHED', 'MEMBERSHIP', 'ACCESS_LOST');

CREATE TABLE users (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    email TEXT NOT NULL,
    email_verified_at TIMESTAMP WITH TIME ZONE,
    password_hash TEXT,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    status user_status NOT NULL,
    is_bot BOOLEAN DEFAULT false NOT NULL,
    time_zone TEXT NOT NULL,
    locale TEXT NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_users_email ON users (lower(email));

CREATE TABLE signing_keys (
    kid TEXT NOT NULL,
    private_jwk JSONB NOT NULL,
    "only" BOOLEAN,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_signing_keys PRIMARY KEY (kid),
    CONSTRAINT uq_signing_keys_only UNIQUE ("only")
);

CREATE TABLE streams (
    stream TEXT NOT NULL,
    position BIGINT NOT NULL,
    trimmed_to BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_streams PRIMARY KEY (stream)
);

CREATE TABLE events (
    stream TEXT NOT NULL,
    position BIGINT NOT NULL,
    id UUID NOT NULL,
    type TEXT NOT NULL,
    version INTEGER NOT NULL,
    kind change_kind NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id UUID NOT NULL,
    about_type TEXT NOT NULL,
    about_id UUID NOT NULL,
    project_id UUID,
    payload JSONB NOT NULL,
    actor_user_id UUID,
    client_mutation_id TEXT,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (stream, position),
    CONSTRAINT uq_events_id UNIQUE (id)
);

CREATE INDEX ix_events_about ON events (about_id, at DESC, id DESC);

CREATE INDEX ix_events_project ON events (project_id, at DESC, id DESC) WHERE project_id IS NOT NULL;

CREATE TABLE sessions (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_used_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    user_agent TEXT,
    ip_address TEXT,
    secret_hash BYTEA NOT NULL,
    previous_secret_hash BYTEA,
    rotated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (id),
    CONSTRAINT fk_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_sessions_user_id ON sessions (user_id);

CREATE TABLE teams (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    description TEXT,
    owner_user_id UUID NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    last_task_number INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_teams PRIMARY KEY (id),
    CONSTRAINT fk_teams_owner_user_id FOREIGN KEY(owner_user_id) REFERENCES users (id)
);

CREATE UNIQUE INDEX uq_teams_name ON teams (lower(name)) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_teams_key ON teams (key);

CREATE INDEX ix_teams_owner_user_id ON teams (owner_user_id);

CREATE TABLE watchers (
    subject_id UUID NOT NULL,
    subject_type TEXT NOT NULL,
    user_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_watchers PRIMARY KEY (subject_id, user_id),
    CONSTRAINT fk_watchers_user_id FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE TABLE seen_marks (
    user_id UUID NOT NULL,
    subject_id UUID NOT NULL,
    stream TEXT NOT NULL,
    position BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_seen_marks PRIMARY KEY (user_id, subject_id),
    CONSTRAINT fk_seen_marks_user_id FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE TABLE remembered_mutations (
    actor_user_id UUID NOT NULL,
    client_mutation_id TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    result JSONB,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_remembered_mutations PRIMARY KEY (actor_user_id, client_mutation_id),
    CONSTRAINT fk_remembered_mutations_actor_user_id FOREIGN KEY(actor_user_id) REFERENCES users (id)
);

CREATE INDEX ix_remembered_mutations_created_at ON remembered_mutations (created_at);

CREATE TABLE team_members (
    team_id UUID NOT NULL,
    user_id UUID NOT NULL,
    role team_role NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
    joined_position BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_team_members PRIMARY KEY (user_id, team_id),
    CONSTRAINT fk_team_members_team_id FOREIGN KEY(team_id) REFERENCES teams (id),
    CONSTRAINT fk_team_members_user_id FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_team_members_team_id_joined_at_user_id ON team_members (team_id, joined_at, user_id);

CREATE TABLE invitations (
    id UUID NOT NULL,
    team_id UUID NOT NULL,
    email TEXT NOT NULL,
    role team_role NOT NULL,
    invited_by_user_id UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    token_hash BYTEA NOT NULL,
    CONSTRAINT pk_invitations PRIMARY KEY (id),
    CONSTRAINT fk_invitations_team_id FOREIGN KEY(team_id) REFERENCES teams (id),
    CONSTRAINT fk_invitations_invited_by_user_id FOREIGN KEY(invited_by_user_id) REFERENCES users (id),
    CONSTRAINT uq_invitations_token_hash UNIQUE (token_hash)
);

CREATE UNIQUE INDEX uq_invitations_team_email ON invitations (team_id, lower(email));

CREATE TABLE labels (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    team_id UUID NOT NULL,
    name TEXT NOT NULL,
    color TEXT NOT NULL,
    CONSTRAINT pk_labels PRIMARY KEY (id),
    CONSTRAINT fk_labels_team_id FOREIGN KEY(team_id) REFERENCES teams (id)
);

CREATE UNIQUE INDEX uq_labels_team_name ON labels (team_id, lower(name));

CREATE TABLE projects (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    team_id UUID NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    status project_status NOT NULL,
    visibility project_visibility NOT NULL,
    start_on DATE,
    end_on DATE,
    lead_user_id UUID,
    creator_user_id UUID,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_projects PRIMARY KEY (id),
    CONSTRAINT fk_projects_team_id FOREIGN KEY(team_id) REFERENCES teams (id),
    CONSTRAINT fk_projects_lead_user_id FOREIGN KEY(lead_user_id) REFERENCES users (id),
    CONSTRAINT fk_projects_creator_user_id FOREIGN KEY(creator_user_id) REFERENCES users (id)
);

CREATE INDEX ix_projects_team_id_created_at_id ON projects (team_id, created_at, id);

CREATE TABLE project_members (
    project_id UUID NOT NULL,
    user_id UUID NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_project_members PRIMARY KEY (project_id, user_id),
    CONSTRAINT fk_project_members_project_id FOREIGN KEY(project_id) REFERENCES projects (id),
    CONSTRAINT fk_project_members_user_id FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_project_members_user_id ON project_members (user_id);

CREATE TABLE tasks (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    team_id UUID NOT NULL,
    project_id UUID NOT NULL,
    parent_id UUID,
    number INTEGER NOT NULL,
    key TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    status task_status NOT NULL,
    priority task_priority NOT NULL,
    assignee_user_id UUID,
    creator_user_id UUID,
    start_on DATE,
    due_on DATE,
    completed_at TIMESTAMP WITH TIME ZONE,
    estimate DOUBLE PRECISION,
    label_ids UUID[] DEFAULT '{}' NOT NULL,
    rank TEXT NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    external_ref TEXT,
    CONSTRAINT pk_tasks PRIMARY KEY (id),
    CONSTRAINT fk_tasks_team_id FOREIGN KEY(team_id) REFERENCES teams (id),
    CONSTRAINT fk_tasks_project_id FOREIGN KEY(project_id) REFERENCES projects (id),
    CONSTRAINT fk_tasks_parent_id FOREIGN KEY(parent_id) REFERENCES tasks (id),
    CONSTRAINT fk_tasks_assignee_user_id FOREIGN KEY(assignee_user_id) REFERENCES users (id),
    CONSTRAINT fk_tasks_creator_user_id FOREIGN KEY(creator_user_id) REFERENCES users (id)
);

CREATE INDEX ix_tasks_project_id_updated_at_id ON tasks (project_id, updated_at, id);

CREATE INDEX ix_tasks_label_ids ON tasks USING gin (label_ids);

CREATE UNIQUE INDEX uq_tasks_team_number ON tasks (team_id, number);

CREATE INDEX ix_tasks_key ON tasks (key);

CREATE INDEX ix_tasks_parent_id_rank ON tasks (parent_id, rank);

CREATE INDEX ix_tasks_assignee_user_id_created_at_id ON tasks (assignee_user_id, created_at, id);

CREATE INDEX ix_tasks_project_id_status_rank ON tasks (project_id, status, rank);

CREATE UNIQUE INDEX uq_tasks_project_rank ON tasks (project_id, rank);

CREATE TABLE comments (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    team_id UUID NOT NULL,
    project_id UUID NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id UUID NOT NULL,
    author_user_id UUID,
    parent_id UUID,
    body TEXT NOT NULL,
    mention_ids UUID[] DEFAULT '{}' NOT NULL,
    resolved_at TIMESTAMP WITH TIME ZONE,
    resolved_by_user_id UUID,
    edited_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_comments PRIMARY KEY (id),
    CONSTRAINT fk_comments_team_id FOREIGN KEY(team_id) REFERENCES teams (id),
    CONSTRAINT fk_comments_project_id FOREIGN KEY(project_id) REFERENCES projects (id),
    CONSTRAINT fk_comments_author_user_id FOREIGN KEY(author_user_id) REFERENCES users (id),
    CONSTRAINT fk_comments_parent_id FOREIGN KEY(parent_id) REFERENCES comments (id),
    CONSTRAINT fk_comments_resolved_by_user_id FOREIGN KEY(resolved_by_user_id) REFERENCES users (id)
);

CREATE INDEX ix_comments_parent_id_created_at_id ON comments (parent_id, created_at, id);

CREATE INDEX ix_comments_subject_id_created_at_id ON comments (subject_id, created_at, id);

CREATE TABLE task_aliases (
    key TEXT NOT NULL,
    task_id UUID NOT NULL,
    CONSTRAINT pk_task_aliases PRIMARY KEY (key),
    CONSTRAINT fk_task_aliases_task_id FOREIGN KEY(task_id) REFERENCES tasks (id)
);

CREATE TABLE task_links (
    id UUID NOT NULL,
    twin_id UUID NOT NULL,
    task_id UUID NOT NULL,
    target_id UUID NOT NULL,
    kind task_link_kind NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_task_links PRIMARY KEY (id),
    CONSTRAINT fk_task_links_task_id FOREIGN KEY(task_id) REFERENCES tasks (id),
    CONSTRAINT fk_task_links_target_id FOREIGN KEY(target_id) REFERENCES tasks (id)
);

CREATE UNIQUE INDEX uq_task_links_task_target_kind ON task_links (task_id, target_id, kind);

CREATE TABLE comment_reactions (
    comment_id UUID NOT NULL,
    user_id UUID NOT NULL,
    emoji TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_comment_reactions PRIMARY KEY (comment_id, emoji, user_id),
    CONSTRAINT fk_comment_reactions_comment_id FOREIGN KEY(comment_id) REFERENCES comments (id),
    CONSTRAINT fk_comment_reactions_user_id FOREIGN KEY(user_id) REFERENCES users (id)
);
