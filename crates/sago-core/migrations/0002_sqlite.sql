-- Rows of the machines' work, not of what happened: who works now, and on what. They are not projections of events: a rebuilt
-- database has none, and they are left out when two databases are compared (ADR 10). Nothing personal stands in them.
-- Times are microseconds since 1970 in UTC by the database's own clock.
CREATE TABLE schema_readers (version BIGINT PRIMARY KEY, oldest BIGINT NOT NULL);
CREATE TABLE nodes (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, version TEXT NOT NULL, schema BIGINT NOT NULL, home TEXT NOT NULL,
    started BIGINT NOT NULL, last_seen BIGINT NOT NULL, alive_until BIGINT NOT NULL
);
CREATE TABLE jobs (
    kind TEXT NOT NULL, subject TEXT NOT NULL, planned_at BIGINT NOT NULL, due_at BIGINT NOT NULL,
    token BIGINT NOT NULL, node TEXT, lease_until BIGINT, attempts BIGINT NOT NULL, error TEXT,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX jobs_due ON jobs (due_at);
CREATE TABLE deposit_leases (
    accession TEXT PRIMARY KEY, home TEXT NOT NULL, home_seen BIGINT NOT NULL,
    place TEXT NOT NULL, token BIGINT NOT NULL, lease_until BIGINT NOT NULL
);
