-- What the older tables have no word for goes.

DELETE FROM timeline WHERE kind NOT IN ('registered', 'confirmed', 'mail-sent', 'mail-dead');
ALTER TABLE timeline DROP CONSTRAINT timeline_kind_check;
ALTER TABLE timeline ADD CONSTRAINT timeline_kind_check
    CHECK (kind IN ('registered', 'confirmed', 'mail-sent', 'mail-dead'));

DELETE FROM outbox
    WHERE kind NOT IN ('registration-confirmation', 'registration-welcome', 'registration-notice') OR email IS NOT NULL;
ALTER TABLE outbox DROP COLUMN email;
ALTER TABLE outbox DROP CONSTRAINT outbox_kind_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_kind_check
    CHECK (kind IN ('registration-confirmation', 'registration-welcome', 'registration-notice'));

DELETE FROM one_time_secrets WHERE purpose <> 'confirmation';
ALTER TABLE one_time_secrets DROP COLUMN email;
ALTER TABLE one_time_secrets DROP CONSTRAINT one_time_secrets_purpose_check;
ALTER TABLE one_time_secrets ADD CONSTRAINT one_time_secrets_purpose_check
    CHECK (purpose IN ('confirmation'));

DROP TABLE addresses;
ALTER TABLE customers DROP COLUMN tokens_ended_at;
ALTER TABLE customers DROP COLUMN company;
ALTER TABLE customers DROP COLUMN phone;
