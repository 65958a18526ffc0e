-- What reading an item and the files in it came to: counts and codes. Names and words stand in the derived files, sealed.
CREATE TABLE readings (
    item TEXT PRIMARY KEY, accession TEXT NOT NULL, unit TEXT NOT NULL, generation BIGINT NOT NULL, idx BIGINT NOT NULL, at BIGINT NOT NULL,
    state TEXT NOT NULL, format TEXT NOT NULL, puid TEXT NOT NULL, text_bytes BIGINT NOT NULL, pages BIGINT NOT NULL,
    members BIGINT NOT NULL, members_partly BIGINT NOT NULL, members_unreadable BIGINT NOT NULL,
    findings TEXT NOT NULL, input_sha256 TEXT NOT NULL, output_sha256 TEXT NOT NULL
);
CREATE INDEX readings_accession ON readings (accession, state);
CREATE INDEX readings_entered ON readings (generation, idx);
