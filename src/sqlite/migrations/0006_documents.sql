-- Small texts of tenants', such as settings, with their earlier versions.
CREATE TABLE calcom_documents (
    id      INTEGER PRIMARY KEY NOT NULL,
    tenant  TEXT NOT NULL,
    name    TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    -- Only its owner reads it. No personal data.
    body    TEXT NOT NULL,
    -- Who saved it.
    author  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    UNIQUE (tenant, name, version)
) STRICT;
