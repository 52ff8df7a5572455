-- Types are kept to TEXT, BIGINT and BYTEA: times are microseconds since 1970, booleans 0 or 1, JSON is text.
-- `migrations/sqlite` holds the same tables; a test compares the two.

-- `email_key` is set once the address is verified: nobody can claim another's by naming it first.
CREATE TABLE users (
    id                TEXT   NOT NULL PRIMARY KEY,
    version           BIGINT NOT NULL,
    phone             TEXT,
    phone_key         BYTEA  UNIQUE,
    full_name         TEXT,
    email             TEXT,
    email_key         BYTEA  UNIQUE,
    email_verified_at BIGINT,
    locale            TEXT,
    created_at        BIGINT NOT NULL,
    last_seen_at      BIGINT NOT NULL,
    closed_at         BIGINT,
    deactivated_at    BIGINT
);

CREATE INDEX users_deactivated ON users (deactivated_at);

CREATE TABLE devices (
    id                TEXT   NOT NULL PRIMARY KEY,
    user_id           TEXT   REFERENCES users (id),
    name              TEXT,
    token_hash        BYTEA  NOT NULL UNIQUE,
    old_token_hash    BYTEA,
    old_token_message TEXT,
    rotated_at        BIGINT,
    created_at        BIGINT NOT NULL,
    last_seen_at      BIGINT NOT NULL
);
CREATE INDEX devices_user ON devices (user_id);
CREATE INDEX devices_old_token ON devices (old_token_hash);

CREATE TABLE sessions (
    id                  TEXT   NOT NULL PRIMARY KEY,
    user_id             TEXT   NOT NULL REFERENCES users (id),
    device_id           TEXT   NOT NULL REFERENCES devices (id),
    token_hash          BYTEA  NOT NULL UNIQUE,
    rotated_at          BIGINT,
    created_by          TEXT   NOT NULL,
    created_at          BIGINT NOT NULL,
    expires_at          BIGINT NOT NULL,
    absolute_expires_at BIGINT NOT NULL,
    last_used_at        BIGINT NOT NULL,
    first_used_at       BIGINT,
    revoked_at          BIGINT,
    revoked_by          TEXT,
    revoked_message     TEXT
);
CREATE INDEX sessions_user ON sessions (user_id, revoked_at, last_used_at);
CREATE INDEX sessions_device ON sessions (device_id);

-- Tokens that were exchanged. One that comes back after its grace was copied.
CREATE TABLE spent_tokens (
    hash       BYTEA  NOT NULL PRIMARY KEY,
    session_id TEXT   NOT NULL REFERENCES sessions (id),
    spent_at   BIGINT NOT NULL
);
CREATE INDEX spent_tokens_session ON spent_tokens (session_id);
CREATE INDEX spent_tokens_age ON spent_tokens (spent_at);

-- What was ended, in order, for nodes to follow.
CREATE TABLE revocations (
    seq     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind    TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    reason  TEXT   NOT NULL,
    at      BIGINT NOT NULL
);

-- A device that gave a code of the account back; `ended_at` is set when that counts no more.
CREATE TABLE trusts (
    user_id      TEXT   NOT NULL REFERENCES users (id),
    device_id    TEXT   NOT NULL REFERENCES devices (id),
    made_at      BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    ended_at     BIGINT,
    ended_by     TEXT,
    PRIMARY KEY (user_id, device_id)
);
CREATE INDEX trusts_device ON trusts (device_id);

CREATE TABLE conversations (
    id              TEXT   NOT NULL PRIMARY KEY,
    owner           TEXT   NOT NULL,
    project         TEXT   NOT NULL,
    version         BIGINT NOT NULL,
    state           TEXT   NOT NULL,
    locale          TEXT,
    title           TEXT,
    is_current      BIGINT NOT NULL,
    pinned          BIGINT NOT NULL,
    archived        BIGINT NOT NULL,
    message_count   BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    last_message_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX conversations_current ON conversations (owner, project) WHERE is_current = 1;
CREATE INDEX conversations_recent ON conversations (owner, archived, last_message_at DESC);
CREATE INDEX conversations_pinned ON conversations (owner, pinned DESC, last_message_at DESC);

-- Changes of a phone number or an e-mail address that wait for a code, or for their time.
CREATE TABLE contact_changes (
    id              TEXT   NOT NULL PRIMARY KEY,
    user_id         TEXT   NOT NULL REFERENCES users (id),
    field           TEXT   NOT NULL,
    value_sealed    BYTEA  NOT NULL,
    value_key       BYTEA  NOT NULL,
    origin          TEXT   NOT NULL,
    conversation_id TEXT   NOT NULL REFERENCES conversations (id),
    session_id      TEXT   REFERENCES sessions (id),
    requested_at    BIGINT NOT NULL,
    verified_at     BIGINT,
    due_at          BIGINT,
    status          TEXT   NOT NULL,
    settled_at      BIGINT
);
CREATE UNIQUE INDEX contact_changes_open ON contact_changes (user_id) WHERE settled_at IS NULL;
CREATE INDEX contact_changes_due ON contact_changes (status, due_at);

-- `user_id` repeats the owner where it is an account, so that a person's messages are found without the conversation.
CREATE TABLE messages (
    id              TEXT   NOT NULL PRIMARY KEY,
    conversation_id TEXT   NOT NULL REFERENCES conversations (id),
    owner           TEXT   NOT NULL,
    user_id         TEXT,
    seq             BIGINT NOT NULL,
    role            TEXT   NOT NULL,
    content         TEXT   NOT NULL,
    response        TEXT,
    created_at      BIGINT NOT NULL,
    UNIQUE (conversation_id, seq)
);
CREATE INDEX messages_user ON messages (user_id);

CREATE TABLE pending_responses (
    owner             TEXT   NOT NULL,
    scope             TEXT   NOT NULL,
    message_id        TEXT   NOT NULL,
    body_hash         BYTEA  NOT NULL,
    status            TEXT   NOT NULL,
    conversation_id   TEXT   REFERENCES conversations (id),
    reply             TEXT,
    provisional_until BIGINT,
    created_at        BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    PRIMARY KEY (owner, scope, message_id)
);
CREATE INDEX pending_responses_status ON pending_responses (owner, status, expires_at);
CREATE INDEX pending_responses_expiry ON pending_responses (expires_at);

-- `identifier_key` is what the code was asked for, and what tries are counted by; `spent_at` is set when the one act that
-- a step-up stands for was done.
CREATE TABLE challenges (
    id                 TEXT   NOT NULL PRIMARY KEY,
    conversation_id    TEXT   NOT NULL REFERENCES conversations (id),
    device_id          TEXT   NOT NULL REFERENCES devices (id),
    session_id         TEXT   REFERENCES sessions (id),
    user_id            TEXT   REFERENCES users (id),
    purpose            TEXT   NOT NULL,
    channel            TEXT   NOT NULL,
    identifier_key     BYTEA  NOT NULL,
    destination_sealed BYTEA,
    prefix_key         BYTEA,
    reference          TEXT   NOT NULL,
    pepper             TEXT   NOT NULL,
    digits             BIGINT NOT NULL,
    issued_at          BIGINT NOT NULL,
    expires_at         BIGINT NOT NULL,
    status             TEXT   NOT NULL,
    attempts           BIGINT NOT NULL,
    max_attempts       BIGINT NOT NULL,
    consumed_at        BIGINT,
    consumed_by        TEXT,
    spent_at           BIGINT
);
CREATE INDEX challenges_identifier ON challenges (identifier_key, status, issued_at);
CREATE INDEX challenges_prefix ON challenges (prefix_key, issued_at);
CREATE INDEX challenges_conversation ON challenges (conversation_id, purpose, status);

-- `identifier_key` is set while the try counts as one that failed, from a device that is not trusted.
CREATE TABLE charges (
    challenge_id   TEXT   NOT NULL REFERENCES challenges (id),
    attempt        BYTEA  NOT NULL,
    at             BIGINT NOT NULL,
    identifier_key BYTEA,
    PRIMARY KEY (challenge_id, attempt)
);
CREATE INDEX charges_identifier ON charges (identifier_key, at);

CREATE TABLE counters (
    name         TEXT   NOT NULL,
    subject      BYTEA  NOT NULL,
    marks        TEXT   NOT NULL,
    locked_until BIGINT,
    version      BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (name, subject)
);
CREATE INDEX counters_age ON counters (updated_at);

-- Budgets that many draw on at once: one row for each thing that fits into the window, taken anew when the window is over.
CREATE TABLE slots (
    name     TEXT   NOT NULL,
    subject  BYTEA  NOT NULL,
    slot     BIGINT NOT NULL,
    taken_at BIGINT NOT NULL,
    PRIMARY KEY (name, subject, slot)
);
CREATE INDEX slots_age ON slots (taken_at);

CREATE TABLE outbox (
    id                 TEXT   NOT NULL PRIMARY KEY,
    conversation_id    TEXT   REFERENCES conversations (id),
    kind               TEXT   NOT NULL,
    template           TEXT   NOT NULL,
    locale             TEXT   NOT NULL,
    challenge_id       TEXT   REFERENCES challenges (id),
    destination_sealed BYTEA,
    status             TEXT   NOT NULL,
    tries              BIGINT NOT NULL,
    claimed_by         TEXT,
    claimed_until      BIGINT,
    not_after          BIGINT NOT NULL,
    provider_id        TEXT,
    error              TEXT,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL
);
CREATE INDEX outbox_due ON outbox (status, created_at);
CREATE INDEX outbox_claims ON outbox (status, claimed_until);

-- No foreign keys: the log outlives what it tells of.
CREATE TABLE audit (
    seq             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id              TEXT   NOT NULL UNIQUE,
    at              BIGINT NOT NULL,
    kind            TEXT   NOT NULL,
    user_id         TEXT,
    device_id       TEXT,
    session_id      TEXT,
    conversation_id TEXT,
    ip              TEXT,
    detail          TEXT   NOT NULL
);
CREATE INDEX audit_conversation ON audit (conversation_id, seq);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit is append-only' USING ERRCODE = 'integrity_constraint_violation';
END;
$$;
CREATE TRIGGER audit_keeps_rows BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_keeps_all BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- The effect's id is not unique here: a message sent twice has to be visible.
CREATE TABLE dev_outbox (
    seq    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id     TEXT   NOT NULL,
    sealed BYTEA  NOT NULL,
    at     BIGINT NOT NULL
);

CREATE TABLE instance (
    key    TEXT   NOT NULL PRIMARY KEY,
    value  TEXT,
    number BIGINT NOT NULL
);

-- What a device or an account has gathered: one list of items for each kind, as JSON. A device's list begins anew with
-- each generation, which ends when an account takes it over.
CREATE TABLE device_data (
    owner      TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    version    BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    items      TEXT    NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (owner, kind)
);

-- Which generations were taken over, by whom: each exactly once.
CREATE TABLE migrations (
    device_id  TEXT    NOT NULL REFERENCES devices (id),
    kind       TEXT    NOT NULL,
    generation BIGINT NOT NULL,
    user_id    TEXT    NOT NULL REFERENCES users (id),
    items      BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (device_id, kind, generation)
);
