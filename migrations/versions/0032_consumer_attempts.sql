CREATE TABLE consumer_attempts (
    stream TEXT NOT NULL,
    consumer TEXT NOT NULL,
    position BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    single_until BIGINT NOT NULL,
    CONSTRAINT pk_consumer_attempts PRIMARY KEY (stream, consumer)
);
