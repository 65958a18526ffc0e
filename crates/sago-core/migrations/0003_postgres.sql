-- What reading an item and the files in it came to: counts and codes. Names and words stand in the derived files, sealed.
CREATE TABLE readings (
    item TEXT COLLATE "C" PRIMARY KEY, accession TEXT COLLATE "C" NOT NULL, unit TEXT COLLATE "C" NOT NULL, generation BIGINT NOT NULL, idx BIGINT NOT NULL, at BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL, format TEXT COLLATE "C" NOT NULL, puid TEXT COLLATE "C" NOT NULL, text_bytes BIGINT NOT NULL, pages BIGINT NOT NULL,
    members BIGINT NOT NULL, members_partly BIGINT NOT NULL, members_unreadable BIGINT NOT NULL,
    findings TEXT COLLATE "C" NOT NULL, input_sha256 TEXT COLLATE "C" NOT NULL, output_sha256 TEXT COLLATE "C" NOT NULL
);
CREATE INDEX readings_accession ON readings (accession, state);
CREATE INDEX readings_entered ON readings (generation, idx);
