-- Rows are projections of events (ADR 4): whatever stands here can be made anew from storage root, log and keys.
-- Columns named `sealed` hold docs/formats.md section 12. Times are microseconds since 1970 in UTC. Ids are text.
CREATE TABLE meta (key TEXT COLLATE "C" PRIMARY KEY, value TEXT COLLATE "C" NOT NULL);
CREATE TABLE heads (log TEXT COLLATE "C" PRIMARY KEY, generation BIGINT NOT NULL, next BIGINT NOT NULL);
CREATE TABLE row_keys (id TEXT COLLATE "C" PRIMARY KEY, unit TEXT COLLATE "C" NOT NULL, wrapped BYTEA NOT NULL);
CREATE INDEX row_keys_unit ON row_keys (unit);
CREATE TABLE events (
    log TEXT COLLATE "C" NOT NULL, generation BIGINT NOT NULL, idx BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL UNIQUE, kind TEXT COLLATE "C" NOT NULL, agent TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL, entry BYTEA NOT NULL,
    skeleton_key TEXT COLLATE "C" NOT NULL, skeleton_sealed BYTEA, unit TEXT COLLATE "C" NOT NULL, detail_key TEXT COLLATE "C" NOT NULL, detail_sealed BYTEA,
    detail_commitment BYTEA NOT NULL,
    PRIMARY KEY (log, generation, idx)
);
CREATE TABLE event_subjects (
    subject TEXT COLLATE "C" NOT NULL, log TEXT COLLATE "C" NOT NULL, generation BIGINT NOT NULL, idx BIGINT NOT NULL,
    PRIMARY KEY (subject, log, generation, idx)
);
CREATE TABLE segments (path TEXT COLLATE "C" PRIMARY KEY, log TEXT COLLATE "C" NOT NULL, generation BIGINT NOT NULL, first_idx BIGINT NOT NULL, bytes BYTEA NOT NULL);
CREATE TABLE agents (id TEXT COLLATE "C" PRIMARY KEY, code TEXT COLLATE "C" NOT NULL UNIQUE, roles TEXT COLLATE "C" NOT NULL, public_key TEXT COLLATE "C", row_key TEXT COLLATE "C" NOT NULL, sealed BYTEA);
CREATE TABLE units (id TEXT COLLATE "C" PRIMARY KEY, mode TEXT COLLATE "C" NOT NULL, created_at BIGINT NOT NULL, vault_sha256 TEXT COLLATE "C" NOT NULL);
CREATE TABLE accessions (
    id TEXT COLLATE "C" PRIMARY KEY, number TEXT COLLATE "C" NOT NULL UNIQUE, unit TEXT COLLATE "C" NOT NULL, status TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL,
    items BIGINT NOT NULL, bytes BIGINT NOT NULL, not_taken BIGINT NOT NULL, generation BIGINT, idx BIGINT, row_key TEXT COLLATE "C", sealed BYTEA
);
CREATE TABLE objects (id TEXT COLLATE "C" PRIMARY KEY, accession TEXT COLLATE "C" NOT NULL, part BIGINT NOT NULL, inventory_sha512 TEXT COLLATE "C" NOT NULL, status TEXT COLLATE "C" NOT NULL);
CREATE INDEX objects_accession ON objects (accession);
CREATE TABLE items (
    id TEXT COLLATE "C" PRIMARY KEY, accession TEXT COLLATE "C" NOT NULL, seq BIGINT NOT NULL, number TEXT COLLATE "C" NOT NULL UNIQUE, unit TEXT COLLATE "C" NOT NULL,
    object TEXT COLLATE "C" NOT NULL, content TEXT COLLATE "C" NOT NULL, bytes BIGINT NOT NULL, fingerprint TEXT COLLATE "C", line_index BIGINT NOT NULL, row_key TEXT COLLATE "C" NOT NULL, sealed BYTEA
);
CREATE INDEX items_accession ON items (accession, seq);
CREATE INDEX items_unit_fingerprint ON items (unit, fingerprint);
CREATE INDEX items_content ON items (object, content);
CREATE TABLE findings (accession TEXT COLLATE "C" NOT NULL, line_index BIGINT NOT NULL, code TEXT COLLATE "C" NOT NULL, taken BIGINT NOT NULL, row_key TEXT COLLATE "C" NOT NULL, sealed BYTEA, PRIMARY KEY (accession, line_index));
CREATE TABLE contents (
    object TEXT COLLATE "C" NOT NULL, path TEXT COLLATE "C" NOT NULL, checked_at BIGINT NOT NULL, outcome TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (object, path)
);
CREATE INDEX contents_due ON contents (checked_at);
CREATE TABLE requests (id TEXT COLLATE "C" PRIMARY KEY, number TEXT COLLATE "C" NOT NULL UNIQUE, kind TEXT COLLATE "C" NOT NULL, subject TEXT COLLATE "C" NOT NULL, asked_by TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL, status TEXT COLLATE "C" NOT NULL);
CREATE TABLE approvals (request TEXT COLLATE "C" NOT NULL, agent TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL, signature TEXT COLLATE "C" NOT NULL, PRIMARY KEY (request, agent));
CREATE TABLE stamps (log_size BIGINT NOT NULL, generation BIGINT NOT NULL, token_sha256 TEXT COLLATE "C" NOT NULL, gen_time TEXT COLLATE "C" NOT NULL, PRIMARY KEY (generation, token_sha256));
