-- Types are kept to TEXT, INTEGER and BLOB: times are microseconds since 1970, booleans 0 or 1, JSON is text.
-- `migrations/postgres` holds the same tables; a test compares the two.

-- `email_key` is set once the address is verified: nobody can claim another's by naming it first.
CREATE TABLE users (
    id                TEXT    NOT NULL PRIMARY KEY,
    version           INTEGER NOT NULL,
    phone             TEXT,
    phone_key         BLOB    UNIQUE,
    full_name         TEXT,
    email             TEXT,
    email_key         BLOB    UNIQUE,
    email_verified_at INTEGER,
    locale            TEXT,
    created_at        INTEGER NOT NULL,
    last_seen_at      INTEGER NOT NULL,
    closed_at         INTEGER,
    deactivated_at    INTEGER
) STRICT;

CREATE INDEX users_deactivated ON users (deactivated_at);

CREATE TABLE devices (
    id                TEXT    NOT NULL PRIMARY KEY,
    user_id           TEXT    REFERENCES users (id),
    name              TEXT,
    token_hash        BLOB    NOT NULL UNIQUE,
    old_token_hash    BLOB,
    old_token_message TEXT,
    rotated_at        INTEGER,
    created_at        INTEGER NOT NULL,
    last_seen_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX devices_user ON devices (user_id);
CREATE INDEX devices_old_token ON devices (old_token_hash);

CREATE TABLE sessions (
    id                  TEXT    NOT NULL PRIMARY KEY,
    user_id             TEXT    NOT NULL REFERENCES users (id),
    device_id           TEXT    NOT NULL REFERENCES devices (id),
    token_hash          BLOB    NOT NULL UNIQUE,
    rotated_at          INTEGER,
    created_by          TEXT    NOT NULL,
    created_at          INTEGER NOT NULL,
    expires_at          INTEGER NOT NULL,
    absolute_expires_at INTEGER NOT NULL,
    last_used_at        INTEGER NOT NULL,
    first_used_at       INTEGER,
    revoked_at          INTEGER,
    revoked_by          TEXT,
    revoked_message     TEXT
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id, revoked_at, last_used_at);
CREATE INDEX sessions_device ON sessions (device_id);

-- Tokens that were exchanged. One that comes back after its grace was copied.
CREATE TABLE spent_tokens (
    hash       BLOB    NOT NULL PRIMARY KEY,
    session_id TEXT    NOT NULL REFERENCES sessions (id),
    spent_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX spent_tokens_session ON spent_tokens (session_id);
CREATE INDEX spent_tokens_age ON spent_tokens (spent_at);

-- What was ended, in order, for nodes to follow.
CREATE TABLE revocations (
    seq     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind    TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    reason  TEXT    NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

-- A device that gave a code of the account back; `ended_at` is set when that counts no more.
CREATE TABLE trusts (
    user_id      TEXT    NOT NULL REFERENCES users (id),
    device_id    TEXT    NOT NULL REFERENCES devices (id),
    made_at      INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    ended_at     INTEGER,
    ended_by     TEXT,
    PRIMARY KEY (user_id, device_id)
) STRICT;
CREATE INDEX trusts_device ON trusts (device_id);

CREATE TABLE conversations (
    id              TEXT    NOT NULL PRIMARY KEY,
    owner           TEXT    NOT NULL,
    project         TEXT    NOT NULL,
    version         INTEGER NOT NULL,
    state           TEXT    NOT NULL,
    locale          TEXT,
    title           TEXT,
    is_current      INTEGER NOT NULL,
    pinned          INTEGER NOT NULL,
    archived        INTEGER NOT NULL,
    message_count   INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    last_message_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX conversations_current ON conversations (owner, project) WHERE is_current = 1;
CREATE INDEX conversations_recent ON conversations (owner, archived, last_message_at DESC);
CREATE INDEX conversations_pinned ON conversations (owner, pinned DESC, last_message_at DESC);

-- Changes of a phone number or an e-mail address that wait for a code, or for their time.
CREATE TABLE contact_changes (
    id              TEXT    NOT NULL PRIMARY KEY,
    user_id         TEXT    NOT NULL REFERENCES users (id),
    field           TEXT    NOT NULL,
    value_sealed    BLOB    NOT NULL,
    value_key       BLOB    NOT NULL,
    origin          TEXT    NOT NULL,
    conversation_id TEXT    NOT NULL REFERENCES conversations (id),
    session_id      TEXT    REFERENCES sessions (id),
    requested_at    INTEGER NOT NULL,
    verified_at     INTEGER,
    due_at          INTEGER,
    status          TEXT    NOT NULL,
    settled_at      INTEGER
) STRICT;
CREATE UNIQUE INDEX contact_changes_open ON contact_changes (user_id) WHERE settled_at IS NULL;
CREATE INDEX contact_changes_due ON contact_changes (status, due_at);

-- `user_id` repeats the owner where it is an account, so that a person's messages are found without the conversation.
CREATE TABLE messages (
    id              TEXT    NOT NULL PRIMARY KEY,
    conversation_id TEXT    NOT NULL REFERENCES conversations (id),
    owner           TEXT    NOT NULL,
    user_id         TEXT,
    seq             INTEGER NOT NULL,
    role            TEXT    NOT NULL,
    content         TEXT    NOT NULL,
    response        TEXT,
    created_at      INTEGER NOT NULL,
    UNIQUE (conversation_id, seq)
) STRICT;
CREATE INDEX messages_user ON messages (user_id);

CREATE TABLE pending_responses (
    owner             TEXT    NOT NULL,
    scope             TEXT    NOT NULL,
    message_id        TEXT    NOT NULL,
    body_hash         BLOB    NOT NULL,
    status            TEXT    NOT NULL,
    conversation_id   TEXT    REFERENCES conversations (id),
    reply             TEXT,
    provisional_until INTEGER,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    PRIMARY KEY (owner, scope, message_id)
) STRICT;
CREATE INDEX pending_responses_status ON pending_responses (owner, status, expires_at);
CREATE INDEX pending_responses_expiry ON pending_responses (expires_at);

-- `identifier_key` is what the code was asked for, and what tries are counted by; `spent_at` is set when the one act that
-- a step-up stands for was done.
CREATE TABLE challenges (
    id                 TEXT    NOT NULL PRIMARY KEY,
    conversation_id    TEXT    NOT NULL REFERENCES conversations (id),
    device_id          TEXT    NOT NULL REFERENCES devices (id),
    session_id         TEXT    REFERENCES sessions (id),
    user_id            TEXT    REFERENCES users (id),
    purpose            TEXT    NOT NULL,
    channel            TEXT    NOT NULL,
    identifier_key     BLOB    NOT NULL,
    destination_sealed BLOB,
    prefix_key         BLOB,
    reference          TEXT    NOT NULL,
    pepper             TEXT    NOT NULL,
    digits             INTEGER NOT NULL,
    issued_at          INTEGER NOT NULL,
    expires_at         INTEGER NOT NULL,
    status             TEXT    NOT NULL,
    attempts           INTEGER NOT NULL,
    max_attempts       INTEGER NOT NULL,
    consumed_at        INTEGER,
    consumed_by        TEXT,
    spent_at           INTEGER
) STRICT;
CREATE INDEX challenges_identifier ON challenges (identifier_key, status, issued_at);
CREATE INDEX challenges_prefix ON challenges (prefix_key, issued_at);
CREATE INDEX challenges_conversation ON challenges (conversation_id, purpose, status);

-- `identifier_key` is set while the try counts as one that failed, from a device that is not trusted.
CREATE TABLE charges (
    challenge_id   TEXT    NOT NULL REFERENCES challenges (id),
    attempt        BLOB    NOT NULL,
    at             INTEGER NOT NULL,
    identifier_key BLOB,
    PRIMARY KEY (challenge_id, attempt)
) STRICT;
CREATE INDEX charges_identifier ON charges (identifier_key, at);

CREATE TABLE counters (
    name         TEXT    NOT NULL,
    subject      BLOB    NOT NULL,
    marks        TEXT    NOT NULL,
    locked_until INTEGER,
    version      INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (name, subject)
) STRICT;
CREATE INDEX counters_age ON counters (updated_at);

-- Budgets that many draw on at once: one row for each thing that fits into the window, taken anew when the window is over.
CREATE TABLE slots (
    name     TEXT    NOT NULL,
    subject  BLOB    NOT NULL,
    slot     INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    PRIMARY KEY (name, subject, slot)
) STRICT;
CREATE INDEX slots_age ON slots (taken_at);

CREATE TABLE outbox (
    id                 TEXT    NOT NULL PRIMARY KEY,
    conversation_id    TEXT    REFERENCES conversations (id),
    kind               TEXT    NOT NULL,
    template           TEXT    NOT NULL,
    locale             TEXT    NOT NULL,
    challenge_id       TEXT    REFERENCES challenges (id),
    destination_sealed BLOB,
    status             TEXT    NOT NULL,
    tries              INTEGER NOT NULL,
    claimed_by         TEXT,
    claimed_until      INTEGER,
    not_after          INTEGER NOT NULL,
    provider_id        TEXT,
    error              TEXT,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox (status, created_at);
CREATE INDEX outbox_claims ON outbox (status, claimed_until);

-- No foreign keys: the log outlives what it tells of.
CREATE TABLE audit (
    seq             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id              TEXT    NOT NULL UNIQUE,
    at              INTEGER NOT NULL,
    kind            TEXT    NOT NULL,
    user_id         TEXT,
    device_id       TEXT,
    session_id      TEXT,
    conversation_id TEXT,
    ip              TEXT,
    detail          TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_conversation ON audit (conversation_id, seq);

CREATE TRIGGER audit_keeps_old BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;
CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;

-- The effect's id is not unique here: a message sent twice has to be visible.
CREATE TABLE dev_outbox (
    seq    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id     TEXT    NOT NULL,
    sealed BLOB    NOT NULL,
    at     INTEGER NOT NULL
) STRICT;

CREATE TABLE instance (
    key    TEXT    NOT NULL PRIMARY KEY,
    value  TEXT,
    number INTEGER NOT NULL
) STRICT;

-- What a device or an account has gathered: one list of items for each kind, as JSON. A device's list begins anew with
-- each generation, which ends when an account takes it over.
CREATE TABLE device_data (
    owner      TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    items      TEXT    NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (owner, kind)
) STRICT;

-- Which generations were taken over, by whom: each exactly once.
CREATE TABLE migrations (
    device_id  TEXT    NOT NULL REFERENCES devices (id),
    kind       TEXT    NOT NULL,
    generation INTEGER NOT NULL,
    user_id    TEXT    NOT NULL REFERENCES users (id),
    items      INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (device_id, kind, generation)
) STRICT;
