-- What customers do with their accounts: passwords restored and changed, addresses of both kinds, leaving, being
-- brought along.
--
-- The folder of the other engine has a migration of the same name that ends in the same tables, columns and
-- nullability.

-- Told by an import or the Back Office.
ALTER TABLE customers ADD COLUMN phone TEXT;
ALTER TABLE customers ADD COLUMN company TEXT;
-- Access tokens of earlier seconds are no longer good: the password was restored then.
ALTER TABLE customers ADD COLUMN tokens_ended_at BIGINT;

-- Customers' address books.
CREATE TABLE addresses (
    id INTEGER NOT NULL PRIMARY KEY,
    -- The public identity.
    uuid TEXT NOT NULL,
    customer_id BIGINT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    salutation TEXT CHECK (salutation IN ('Mr', 'Ms', 'Mrs', 'Dr', 'n/a')),
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    -- Street, house number, and whatever else helps to find the door.
    address1 TEXT NOT NULL,
    address2 TEXT NOT NULL,
    address3 TEXT,
    zip_code TEXT NOT NULL,
    city TEXT NOT NULL,
    company TEXT,
    phone TEXT,
    -- ISO 3166-1, upper-case.
    iso2_code TEXT NOT NULL,
    is_default_billing BOOLEAN NOT NULL,
    is_default_shipping BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX addresses_uuid ON addresses (uuid);
CREATE INDEX addresses_customer ON addresses (customer_id, id);
-- One default of each kind a customer, whatever happens at once.
CREATE UNIQUE INDEX addresses_default_billing ON addresses (customer_id) WHERE is_default_billing;
CREATE UNIQUE INDEX addresses_default_shipping ON addresses (customer_id) WHERE is_default_shipping;

-- SQLite cannot change a check: these tables are written anew, with their rows and numbers.

CREATE TABLE new_one_time_secrets (
    id INTEGER NOT NULL PRIMARY KEY,
    customer_id BIGINT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    -- What it opens.
    purpose TEXT NOT NULL CHECK (purpose IN ('confirmation', 'restore', 'email-change')),
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
    created_at BIGINT NOT NULL,
    -- The address that the key was sent to and proves, as it was typed, where that is not the customer's own.
    email TEXT
);

INSERT INTO new_one_time_secrets (
    id, customer_id, purpose, digest, code_digest, code_tries_left, expires_at, used_at, created_at
)
    SELECT id, customer_id, purpose, digest, code_digest, code_tries_left, expires_at, used_at, created_at
    FROM one_time_secrets;
DROP TABLE one_time_secrets;
ALTER TABLE new_one_time_secrets RENAME TO one_time_secrets;
CREATE UNIQUE INDEX one_time_secrets_digest ON one_time_secrets (digest);
CREATE INDEX one_time_secrets_customer ON one_time_secrets (customer_id);
CREATE INDEX one_time_secrets_expiry ON one_time_secrets (expires_at);

CREATE TABLE new_outbox (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN (
        'registration-confirmation', 'registration-welcome', 'registration-notice',
        'restore-password', 'password-changed', 'email-change', 'email-change-notice'
    )),
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
    created_at BIGINT NOT NULL,
    -- Whom it goes to, as it was typed, where that is not the customer's own address.
    email TEXT
);

INSERT INTO sqlite_sequence (name, seq) SELECT 'new_outbox', seq FROM sqlite_sequence WHERE name = 'outbox';
INSERT INTO new_outbox (
    id, kind, customer_id, message_id, state, attempts, due_at, leased_until, leased_by, note, created_at
)
    SELECT id, kind, customer_id, message_id, state, attempts, due_at, leased_until, leased_by, note, created_at
    FROM outbox;
DROP TABLE outbox;
ALTER TABLE new_outbox RENAME TO outbox;
CREATE UNIQUE INDEX outbox_message_id ON outbox (message_id);
CREATE INDEX outbox_due ON outbox (state, due_at);
CREATE INDEX outbox_customer ON outbox (customer_id);

CREATE TABLE new_timeline (
    id INTEGER NOT NULL PRIMARY KEY,
    customer_id BIGINT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN (
        'registered', 'confirmed', 'mail-sent', 'mail-dead',
        'password-restored', 'password-changed', 'email-changed', 'anonymised', 'imported'
    )),
    -- The kind of message, where the line is about one.
    message TEXT,
    -- The address it went to, masked.
    address TEXT,
    -- The mail server's answer.
    note TEXT
);

INSERT INTO new_timeline (id, customer_id, at, kind, message, address, note)
    SELECT id, customer_id, at, kind, message, address, note
    FROM timeline;
DROP TABLE timeline;
ALTER TABLE new_timeline RENAME TO timeline;
CREATE INDEX timeline_customer ON timeline (customer_id, id);
