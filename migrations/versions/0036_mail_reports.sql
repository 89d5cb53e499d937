CREATE TYPE mail_report_kind AS ENUM ('HARD_BOUNCE', 'SOFT_BOUNCE', 'COMPLAINT');

CREATE TABLE mail_reports (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    kind mail_report_kind NOT NULL,
    reason TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_mail_reports PRIMARY KEY (id),
    CONSTRAINT fk_mail_reports_user_id FOREIGN KEY(user_id) REFERENCES users (id)
);

CREATE INDEX ix_mail_reports_at ON mail_reports (at);

CREATE INDEX ix_mail_reports_user_id_at ON mail_reports (user_id, at);
