-- When an effect is to be tried or looked up next, how far its provider says that it came, and what a report counts by.
-- A status that comes late or twice is told from news by its rank.
ALTER TABLE outbox ADD COLUMN due_at BIGINT;
ALTER TABLE outbox ADD COLUMN delivery TEXT;
ALTER TABLE outbox ADD COLUMN delivery_rank BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN delivery_at BIGINT;
ALTER TABLE outbox ADD COLUMN country TEXT;
UPDATE outbox SET due_at = created_at WHERE status = 'queued';
CREATE INDEX outbox_provider ON outbox (provider_id);
CREATE INDEX outbox_age ON outbox (created_at);

-- Numbers whose owners want no messages, by the keyed hash that accounts are found by.
CREATE TABLE opt_outs (
    phone_key BYTEA  NOT NULL PRIMARY KEY,
    at        BIGINT NOT NULL
);

-- The device that stands for whoever writes from a number. Nobody has its token, so it proves nothing but the channel.
CREATE TABLE channel_devices (
    channel_key BYTEA  NOT NULL PRIMARY KEY,
    device_id   TEXT   NOT NULL UNIQUE REFERENCES devices (id),
    created_at  BIGINT NOT NULL
);

-- Messages that came in, each once, with whom they spoke for then.
CREATE TABLE inbound_messages (
    provider_id TEXT   NOT NULL PRIMARY KEY,
    device_id   TEXT   NOT NULL REFERENCES devices (id),
    session_id  TEXT,
    created_at  BIGINT NOT NULL
);
CREATE INDEX inbound_messages_age ON inbound_messages (created_at);
