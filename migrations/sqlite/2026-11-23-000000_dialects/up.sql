-- What two more doors need: storefront keys and bearer tokens, newsletters and pictures, merchants and their users.
--
-- The folder of the other engine has a migration of the same name that ends in the same tables, columns and nullability.

-- One more choice. SQLite cannot change a check, and this table is referred to: the column is written anew.
ALTER TABLE customers ADD COLUMN new_gender TEXT CHECK (new_gender IN ('Male', 'Female', 'Other'));
UPDATE customers SET new_gender = gender;
ALTER TABLE customers DROP COLUMN gender;
ALTER TABLE customers RENAME COLUMN new_gender TO gender;
-- The telephone number in the form in which two of them are the same: digits only, without a leading 00; none of what has none.
ALTER TABLE customers ADD COLUMN phone_canonical TEXT;
UPDATE customers SET phone_canonical = replace(replace(replace(replace(replace(replace(replace(phone, ' ', ''), '-', ''), '(', ''), ')', ''), '/', ''), '.', ''), '+', '') WHERE phone IS NOT NULL;
UPDATE customers SET phone_canonical = substr(phone_canonical, 3) WHERE phone_canonical LIKE '00%';
UPDATE customers SET phone_canonical = NULL WHERE phone_canonical = '';
CREATE INDEX customers_phone ON customers (phone_canonical);
-- Whether they want the newsletter.
ALTER TABLE customers ADD COLUMN subscribed_to_newsletter BOOLEAN NOT NULL DEFAULT FALSE;

-- Pictures of customers, as data URIs. Apart, because nothing else wants to read them.
CREATE TABLE customer_images (
    customer_id BIGINT NOT NULL PRIMARY KEY REFERENCES customers (id) ON DELETE CASCADE,
    data TEXT NOT NULL
) WITHOUT ROWID;

-- Who gets the newsletter, and who asked for it.
CREATE TABLE newsletter_subscriptions (
    id INTEGER NOT NULL PRIMARY KEY,
    customer_id BIGINT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    -- The address as it was typed.
    email TEXT NOT NULL,
    email_canonical TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX newsletter_subscriptions_customer ON newsletter_subscriptions (customer_id, email_canonical);
CREATE INDEX newsletter_subscriptions_email ON newsletter_subscriptions (email_canonical);

-- Keys with which storefronts name themselves.
CREATE TABLE storefront_keys (
    id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- SHA-256 of the key.
    digest BLOB NOT NULL,
    -- How it begins, so that people can tell keys apart.
    beginning TEXT NOT NULL,
    -- Requests in one window of time; 0 = no limit.
    request_limit INTEGER NOT NULL CHECK (request_limit >= 0),
    -- Networks that may use it, with commas between them; empty = all.
    allowed_networks TEXT NOT NULL,
    expires_at BIGINT,
    -- When a newer key took its name; it is good for a while yet.
    superseded_at BIGINT,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX storefront_keys_digest ON storefront_keys (digest);
-- Of the keys in use each has a name of its own.
CREATE UNIQUE INDEX storefront_keys_name ON storefront_keys (name) WHERE superseded_at IS NULL AND disabled_at IS NULL;

-- Tokens that storefronts hold for customers who are logged in there. Good until they are revoked.
CREATE TABLE bearer_tokens (
    -- The number before the bar of the token.
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    customer_id BIGINT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    -- SHA-256 of what stands behind the bar.
    digest BLOB NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX bearer_tokens_customer ON bearer_tokens (customer_id, id);

-- Merchants whose back ends register their users here.
CREATE TABLE merchants (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX merchants_name ON merchants (name);

-- OAuth clients of merchants.
CREATE TABLE merchant_clients (
    client_id TEXT NOT NULL PRIMARY KEY,
    merchant_id BIGINT NOT NULL REFERENCES merchants (id) ON DELETE CASCADE,
    -- SHA-256 of the secret, which is long and random.
    secret_digest BLOB NOT NULL,
    created_at BIGINT NOT NULL
) WITHOUT ROWID;

-- People of merchants who get tokens with a password.
CREATE TABLE merchant_operators (
    username TEXT NOT NULL PRIMARY KEY,
    merchant_id BIGINT NOT NULL REFERENCES merchants (id) ON DELETE CASCADE,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
) WITHOUT ROWID;

-- Refresh tokens of merchants' clients, as digests. All that descend from one grant are a family and fall together.
CREATE TABLE merchant_refresh_tokens (
    digest BLOB NOT NULL PRIMARY KEY,
    family TEXT NOT NULL,
    merchant_id BIGINT NOT NULL REFERENCES merchants (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    revoked_at BIGINT
) WITHOUT ROWID;

CREATE INDEX merchant_refresh_tokens_family ON merchant_refresh_tokens (family);
CREATE INDEX merchant_refresh_tokens_expiry ON merchant_refresh_tokens (expires_at);

-- Users as merchants know them, by numbers of their own. One stands for a customer; for whom, changes when the claim that it
-- stood for loses to another one on the same address.
CREATE TABLE merchant_users (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    merchant_id BIGINT NOT NULL REFERENCES merchants (id) ON DELETE CASCADE,
    -- None: they have no address, or their claim is gone and nobody else's was confirmed.
    customer_id BIGINT REFERENCES customers (id) ON DELETE SET NULL,
    -- What the merchant keeps with them: a type, and an object as JSON text.
    additional_type TEXT,
    additional_data TEXT,
    created_at BIGINT NOT NULL,
    CHECK (id BETWEEN 1 AND 2147483647)
);

CREATE INDEX merchant_users_merchant ON merchant_users (merchant_id);
CREATE INDEX merchant_users_customer ON merchant_users (customer_id);

-- Whether there is nothing but the code: no link has the key.
ALTER TABLE one_time_secrets ADD COLUMN is_code BOOLEAN NOT NULL DEFAULT FALSE;

-- SQLite cannot change a check: the table is written anew, with its rows and numbers.
CREATE TABLE new_outbox (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN (
        'registration-confirmation', 'registration-welcome', 'registration-notice', 'registration-code',
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
INSERT INTO new_outbox SELECT * FROM outbox;
DROP TABLE outbox;
ALTER TABLE new_outbox RENAME TO outbox;
CREATE UNIQUE INDEX outbox_message_id ON outbox (message_id);
CREATE INDEX outbox_due ON outbox (state, due_at);
CREATE INDEX outbox_customer ON outbox (customer_id);
