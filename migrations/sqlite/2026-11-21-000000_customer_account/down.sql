-- What the older tables have no word for goes.

CREATE TABLE new_timeline (
    id INTEGER NOT NULL PRIMARY KEY,
    customer_id BIGINT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('registered', 'confirmed', 'mail-sent', 'mail-dead')),
    -- The kind of message, where the line is about one.
    message TEXT,
    -- The address it went to, masked.
    address TEXT,
    -- The mail server's answer.
    note TEXT
);

INSERT INTO new_timeline (id, customer_id, at, kind, message, address, note)
    SELECT id, customer_id, at, kind, message, address, note
    FROM timeline
    WHERE kind IN ('registered', 'confirmed', 'mail-sent', 'mail-dead');
DROP TABLE timeline;
ALTER TABLE new_timeline RENAME TO timeline;
CREATE INDEX timeline_customer ON timeline (customer_id, id);

CREATE TABLE new_outbox (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('registration-confirmation', 'registration-welcome', 'registration-notice')),
    customer_id BIGINT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    -- The Message-ID before the @, the same at each attempt.
    message_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'dead')),
    -- Leases so far; the number of the attempt under way.
    attempts INTEGER NOT NULL,
    due_at BIGINT NOT NULL,
    -- Until then only the worker that leased it may touch it.
    leased_until BIGINT,
    leased_by TEXT,
    -- Why the last attempt came to nothing.
    note TEXT,
    created_at BIGINT NOT NULL
);

INSERT INTO sqlite_sequence (name, seq) SELECT 'new_outbox', seq FROM sqlite_sequence WHERE name = 'outbox';
INSERT INTO new_outbox (
    id, kind, customer_id, message_id, state, attempts, due_at, leased_until, leased_by, note, created_at
)
    SELECT id, kind, customer_id, message_id, state, attempts, due_at, leased_until, leased_by, note, created_at
    FROM outbox
    WHERE kind IN ('registration-confirmation', 'registration-welcome', 'registration-notice') AND email IS NULL;
DROP TABLE outbox;
ALTER TABLE new_outbox RENAME TO outbox;
CREATE UNIQUE INDEX outbox_message_id ON outbox (message_id);
CREATE INDEX outbox_due ON outbox (state, due_at);
CREATE INDEX outbox_customer ON outbox (customer_id);

CREATE TABLE new_one_time_secrets (
    id INTEGER NOT NULL PRIMARY KEY,
    customer_id BIGINT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    -- What it opens.
    purpose TEXT NOT NULL CHECK (purpose IN ('confirmation')),
    -- SHA-256 of the key.
    digest BLOB NOT NULL,
    -- HMAC-SHA-256 of the code under the server key, if there is a code.
    code_digest BLOB,
    -- Wrong codes that are still forgiven. The key does not care.
    code_tries_left INTEGER NOT NULL,
    -- None: it never expires.
    expires_at BIGINT,
    -- When it was consumed, or voided by what another one opened.
    used_at BIGINT,
    created_at BIGINT NOT NULL
);

INSERT INTO new_one_time_secrets (
    id, customer_id, purpose, digest, code_digest, code_tries_left, expires_at, used_at, created_at
)
    SELECT id, customer_id, purpose, digest, code_digest, code_tries_left, expires_at, used_at, created_at
    FROM one_time_secrets
    WHERE purpose = 'confirmation';
DROP TABLE one_time_secrets;
ALTER TABLE new_one_time_secrets RENAME TO one_time_secrets;
CREATE UNIQUE INDEX one_time_secrets_digest ON one_time_secrets (digest);
CREATE INDEX one_time_secrets_customer ON one_time_secrets (customer_id);
CREATE INDEX one_time_secrets_expiry ON one_time_secrets (expires_at);

DROP TABLE addresses;
ALTER TABLE customers DROP COLUMN tokens_ended_at;
ALTER TABLE customers DROP COLUMN company;
ALTER TABLE customers DROP COLUMN phone;
