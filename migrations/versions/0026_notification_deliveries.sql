CREATE TYPE notification_channel AS ENUM ('IN_APP', 'EMAIL');

CREATE TYPE delivery_state AS ENUM ('QUEUED', 'SENT', 'FAILED', 'SUPPRESSED');

CREATE TYPE digest_frequency AS ENUM ('OFF', 'HOURLY', 'DAILY', 'WEEKLY');

ALTER TABLE notifications ADD COLUMN in_app BOOLEAN DEFAULT true NOT NULL;

CREATE INDEX ix_notifications_created_at ON notifications (created_at);

CREATE INDEX ix_tasks_assigned_due_on ON tasks (due_on, id) WHERE due_on IS NOT NULL AND completed_at IS NULL AND deleted_at IS NULL AND assignee_user_id IS NOT NULL;

CREATE TABLE notification_settings (
    user_id UUID NOT NULL,
    version INTEGER NOT NULL,
    channels JSONB NOT NULL,
    quiet_from INTEGER,
    quiet_to INTEGER,
    quiet_days INTEGER[] NOT NULL,
    digest digest_frequency NOT NULL,
    email_off_reason TEXT,
    CONSTRAINT pk_notification_settings PRIMARY KEY (user_id),
    CONSTRAINT fk_notification_settings_user_id FOREIGN KEY (user_id) REFERENCES users (id)
);

CREATE TABLE notification_deliveries (
    notification_id UUID NOT NULL,
    user_id UUID NOT NULL,
    channel notification_channel NOT NULL,
    state delivery_state NOT NULL,
    detail TEXT,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_notification_deliveries PRIMARY KEY (notification_id, channel),
    CONSTRAINT fk_notification_deliveries_notification_id FOREIGN KEY (notification_id) REFERENCES notifications (id) ON DELETE CASCADE
);

CREATE INDEX ix_notification_deliveries_queued ON notification_deliveries (user_id, channel, due_at) WHERE state = 'QUEUED';
