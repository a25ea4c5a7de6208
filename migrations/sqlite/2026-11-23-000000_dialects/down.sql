DROP TABLE merchant_users;
DROP TABLE merchant_refresh_tokens;
DROP TABLE merchant_operators;
DROP TABLE merchant_clients;
DROP TABLE merchants;
DROP TABLE bearer_tokens;
DROP TABLE storefront_keys;
DROP TABLE newsletter_subscriptions;
DROP TABLE customer_images;
DROP INDEX customers_phone;
ALTER TABLE customers DROP COLUMN phone_canonical;
ALTER TABLE customers DROP COLUMN subscribed_to_newsletter;
DELETE FROM one_time_secrets WHERE is_code;
ALTER TABLE one_time_secrets DROP COLUMN is_code;
DELETE FROM outbox WHERE kind = 'registration-code';
UPDATE customers SET gender = NULL WHERE gender = 'Other';
ALTER TABLE customers ADD COLUMN old_gender TEXT CHECK (old_gender IN ('Male', 'Female'));
UPDATE customers SET old_gender = gender;
ALTER TABLE customers DROP COLUMN gender;
ALTER TABLE customers RENAME COLUMN old_gender TO gender;

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
INSERT INTO new_outbox SELECT * FROM outbox;
DROP TABLE outbox;
ALTER TABLE new_outbox RENAME TO outbox;
CREATE UNIQUE INDEX outbox_message_id ON outbox (message_id);
CREATE INDEX outbox_due ON outbox (state, due_at);
CREATE INDEX outbox_customer ON outbox (customer_id);
