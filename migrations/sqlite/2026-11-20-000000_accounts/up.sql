-- Accounts, what confirms them, what is told to them, and how they stay logged in.
--
-- The folder of the other engine has a migration of the same name that ends in the same tables, columns and nullability.
-- Times are microseconds since 1970-01-01T00:00:00Z. Digests are 32 bytes. No trigger, no default that asks for the time.

-- A sign-up. Unconfirmed it is a claim on its address, and several may exist; confirmed it is the account.
CREATE TABLE customers (
    -- Never used twice, which takes AUTOINCREMENT here: without it the last number is given again.
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- What comes before `--<id>` in the reference.
    reference_prefix TEXT NOT NULL,
    -- The whole reference of an account that was brought along from another shop.
    imported_reference TEXT,
    -- The public identity.
    reference TEXT NOT NULL GENERATED ALWAYS AS (
        coalesce(imported_reference, reference_prefix || '--' || CAST(id AS TEXT))
    ) STORED,
    -- The address as it was typed: where mail goes.
    email TEXT NOT NULL,
    -- The address in the form in which two of them are the same.
    email_canonical TEXT NOT NULL,
    -- A PHC string, or a foreign format that a login replaces. None: no password is set.
    password_hash TEXT,
    salutation TEXT CHECK (salutation IN ('Mr', 'Ms', 'Mrs', 'Dr', 'n/a')),
    first_name TEXT,
    last_name TEXT,
    gender TEXT CHECK (gender IN ('Male', 'Female')),
    -- YYYY-MM-DD
    date_of_birth TEXT,
    -- The language they are written to in, such as de_DE.
    locale TEXT NOT NULL,
    -- The store they signed up in.
    store TEXT NOT NULL,
    -- The three marks that decide the state; none of them is set on an open claim that nobody has touched.
    confirmed_at BIGINT,
    suspended_at BIGINT,
    anonymised_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX customers_reference ON customers (reference);
-- One confirmed account an address. This index decides every race between two claims.
CREATE UNIQUE INDEX customers_confirmed_email ON customers (email_canonical)
    WHERE confirmed_at IS NOT NULL AND anonymised_at IS NULL;
CREATE INDEX customers_email ON customers (email_canonical);

-- Link keys and the codes beside them, as digests. The secrets themselves are only in the message.
CREATE TABLE one_time_secrets (
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

CREATE UNIQUE INDEX one_time_secrets_digest ON one_time_secrets (digest);
CREATE INDEX one_time_secrets_customer ON one_time_secrets (customer_id);
CREATE INDEX one_time_secrets_expiry ON one_time_secrets (expires_at);

-- What a customer agreed to, and through which door.
CREATE TABLE consents (
    id INTEGER NOT NULL PRIMARY KEY,
    customer_id BIGINT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    -- Such as terms.
    purpose TEXT NOT NULL,
    -- Such as glue.
    channel TEXT NOT NULL,
    given_at BIGINT NOT NULL
);

CREATE INDEX consents_customer ON consents (customer_id);

-- Messages that wait to be sent, and those that were given up. A message that is sent leaves a line in the timeline.
CREATE TABLE outbox (
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

CREATE UNIQUE INDEX outbox_message_id ON outbox (message_id);
CREATE INDEX outbox_due ON outbox (state, due_at);
CREATE INDEX outbox_customer ON outbox (customer_id);

-- What happened to a customer, for the people who help them.
CREATE TABLE timeline (
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

CREATE INDEX timeline_customer ON timeline (customer_id, id);

-- Refresh tokens, as digests. All that descend from one login are a family and fall together.
CREATE TABLE refresh_tokens (
    -- SHA-256 of the token.
    digest BLOB NOT NULL PRIMARY KEY,
    family TEXT NOT NULL,
    customer_id BIGINT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- When it was exchanged for the next of its family.
    used_at BIGINT,
    revoked_at BIGINT
) WITHOUT ROWID;

CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_customer ON refresh_tokens (customer_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

-- How often something was done within a window of time: what must be limited across nodes. The same row serialises those
-- who do it at once. A row is written for whatever is asked about, known or not, so that its absence tells nothing.
CREATE TABLE budgets (
    -- SHA-256 of what is limited, so that no address is kept here.
    key BLOB NOT NULL PRIMARY KEY,
    used INTEGER NOT NULL,
    window_ends_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX budgets_window ON budgets (window_ends_at);
