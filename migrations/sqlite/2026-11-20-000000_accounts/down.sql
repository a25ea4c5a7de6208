DROP TABLE budgets;
DROP TABLE refresh_tokens;
DROP TABLE timeline;
DROP TABLE outbox;
DROP TABLE consents;
DROP TABLE one_time_secrets;
DROP TABLE customers;
