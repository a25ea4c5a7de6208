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
ALTER TABLE customers DROP CONSTRAINT customers_gender_check;
ALTER TABLE customers ADD CONSTRAINT customers_gender_check CHECK (gender IN ('Male', 'Female'));
ALTER TABLE outbox DROP CONSTRAINT outbox_kind_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_kind_check CHECK (kind IN (
    'registration-confirmation', 'registration-welcome', 'registration-notice',
    'restore-password', 'password-changed', 'email-change', 'email-change-notice'
));
