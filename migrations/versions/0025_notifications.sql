CREATE TYPE notification_reason AS ENUM (
    'MENTIONED', 'ASSIGNED', 'REACTION', 'INVITED', 'ADDED_TO_PROJECT', 'DUE_SOON', 'OVERDUE', 'COMMENTED', 'STATUS_CHANGED',
    'TASK_CHANGED', 'DOCUMENT_CHANGED'
);

CREATE TABLE notifications (
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    user_id UUID NOT NULL,
    reason notification_reason NOT NULL,
    event_ids UUID[] NOT NULL,
    actor_user_id UUID,
    subject_type TEXT NOT NULL,
    subject_id UUID NOT NULL,
    comment_id UUID,
    group_key TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE,
    archived_at TIMESTAMP WITH TIME ZONE,
    snoozed_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_notifications PRIMARY KEY (id),
    CONSTRAINT fk_notifications_user_id FOREIGN KEY (user_id) REFERENCES users (id),
    CONSTRAINT fk_notifications_actor_user_id FOREIGN KEY (actor_user_id) REFERENCES users (id)
);

CREATE INDEX ix_notifications_unread ON notifications (user_id) WHERE read_at IS NULL AND archived_at IS NULL;

CREATE INDEX ix_notifications_user_id_created_at_id ON notifications (user_id, created_at, id);

CREATE INDEX ix_notifications_user_id_group_key ON notifications (user_id, group_key);
