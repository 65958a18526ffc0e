-- Rows are projections of events (ADR 4): whatever stands here can be made anew from storage root, log and keys.
-- Columns named `sealed` hold docs/formats.md section 12. Times are microseconds since 1970 in UTC. Ids are text.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE heads (log TEXT PRIMARY KEY, generation BIGINT NOT NULL, next BIGINT NOT NULL);
CREATE TABLE row_keys (id TEXT PRIMARY KEY, unit TEXT NOT NULL, wrapped BLOB NOT NULL);
CREATE INDEX row_keys_unit ON row_keys (unit);
CREATE TABLE events (
    log TEXT NOT NULL, generation BIGINT NOT NULL, idx BIGINT NOT NULL,
    id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, agent TEXT NOT NULL, at BIGINT NOT NULL, entry BLOB NOT NULL,
    skeleton_key TEXT NOT NULL, skeleton_sealed BLOB, unit TEXT NOT NULL, detail_key TEXT NOT NULL, detail_sealed BLOB,
    detail_commitment BLOB NOT NULL,
    PRIMARY KEY (log, generation, idx)
);
CREATE TABLE event_subjects (
    subject TEXT NOT NULL, log TEXT NOT NULL, generation BIGINT NOT NULL, idx BIGINT NOT NULL,
    PRIMARY KEY (subject, log, generation, idx)
);
CREATE TABLE segments (path TEXT PRIMARY KEY, log TEXT NOT NULL, generation BIGINT NOT NULL, first_idx BIGINT NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE agents (id TEXT PRIMARY KEY, code TEXT NOT NULL UNIQUE, roles TEXT NOT NULL, public_key TEXT, row_key TEXT NOT NULL, sealed BLOB);
CREATE TABLE units (id TEXT PRIMARY KEY, mode TEXT NOT NULL, created_at BIGINT NOT NULL, vault_sha256 TEXT NOT NULL);
CREATE TABLE accessions (
    id TEXT PRIMARY KEY, number TEXT NOT NULL UNIQUE, unit TEXT NOT NULL, status TEXT NOT NULL, at BIGINT NOT NULL,
    items BIGINT NOT NULL, bytes BIGINT NOT NULL, not_taken BIGINT NOT NULL, generation BIGINT, idx BIGINT, row_key TEXT, sealed BLOB
);
CREATE TABLE objects (id TEXT PRIMARY KEY, accession TEXT NOT NULL, part BIGINT NOT NULL, inventory_sha512 TEXT NOT NULL, status TEXT NOT NULL);
CREATE INDEX objects_accession ON objects (accession);
CREATE TABLE items (
    id TEXT PRIMARY KEY, accession TEXT NOT NULL, seq BIGINT NOT NULL, number TEXT NOT NULL UNIQUE, unit TEXT NOT NULL,
    object TEXT NOT NULL, content TEXT NOT NULL, bytes BIGINT NOT NULL, fingerprint TEXT, line_index BIGINT NOT NULL, row_key TEXT NOT NULL, sealed BLOB
);
CREATE INDEX items_accession ON items (accession, seq);
CREATE INDEX items_unit_fingerprint ON items (unit, fingerprint);
CREATE INDEX items_content ON items (object, content);
CREATE TABLE findings (accession TEXT NOT NULL, line_index BIGINT NOT NULL, code TEXT NOT NULL, taken BIGINT NOT NULL, row_key TEXT NOT NULL, sealed BLOB, PRIMARY KEY (accession, line_index));
CREATE TABLE contents (
    object TEXT NOT NULL, path TEXT NOT NULL, checked_at BIGINT NOT NULL, outcome TEXT NOT NULL,
    PRIMARY KEY (object, path)
);
CREATE INDEX contents_due ON contents (checked_at);
CREATE TABLE requests (id TEXT PRIMARY KEY, number TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, subject TEXT NOT NULL, asked_by TEXT NOT NULL, at BIGINT NOT NULL, status TEXT NOT NULL);
CREATE TABLE approvals (request TEXT NOT NULL, agent TEXT NOT NULL, at BIGINT NOT NULL, signature TEXT NOT NULL, PRIMARY KEY (request, agent));
CREATE TABLE stamps (log_size BIGINT NOT NULL, generation BIGINT NOT NULL, token_sha256 TEXT NOT NULL, gen_time TEXT NOT NULL, PRIMARY KEY (generation, token_sha256));
