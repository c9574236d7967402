-- Small texts of tenants', such as settings, with their earlier versions.
CREATE TABLE documents (
    tenant  text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    name    text COLLATE "C" NOT NULL CHECK (name <> ''),
    version bigint NOT NULL CHECK (version >= 1),
    -- Only its owner reads it. No personal data.
    body    text NOT NULL,
    -- Who saved it.
    author  text NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (tenant, name, version)
);

UPDATE meta SET version = 8;
