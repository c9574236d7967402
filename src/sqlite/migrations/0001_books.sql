-- Instants are microseconds since the epoch, in UTC. Every key starts with the tenant, the foreign keys too, so that no row
-- can name a row of another tenant.

CREATE TABLE calcom_paused_tenants (
    tenant    TEXT PRIMARY KEY NOT NULL,
    paused_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: the id of a link that was absorbed is never given out again, or a lease on it could come back to life.
CREATE TABLE calcom_links (
    id          INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    tenant      TEXT NOT NULL,
    appointment TEXT,
    booking     TEXT,
    chain       TEXT,
    series      TEXT,
    base        TEXT,
    sync_key    TEXT,
    pending     TEXT,
    rivals      TEXT NOT NULL DEFAULT '[]',
    attempts    INTEGER NOT NULL DEFAULT 0,
    verify      INTEGER NOT NULL DEFAULT 0,
    -- When there is work; NULL: when something marks the link.
    due_at      INTEGER,
    -- Until when a worker has it; NULL: nobody has.
    lease_until INTEGER,
    fence       INTEGER NOT NULL DEFAULT 0,
    -- How often it was marked as due, and at which of these marks a read, or a fresh start, was last asked for.
    marks       INTEGER NOT NULL DEFAULT 0,
    read_mark   INTEGER NOT NULL DEFAULT 0,
    retry_mark  INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant, id),
    UNIQUE (tenant, appointment),
    UNIQUE (tenant, chain),
    UNIQUE (tenant, sync_key)
) STRICT;

CREATE INDEX calcom_links_due ON calcom_links (due_at, lease_until, tenant) WHERE due_at IS NOT NULL;
CREATE INDEX calcom_links_leased ON calcom_links (lease_until, due_at, tenant) WHERE lease_until IS NOT NULL;
CREATE INDEX calcom_links_series ON calcom_links (tenant, series) WHERE series IS NOT NULL;

-- Every booking of a link's chain.
CREATE TABLE calcom_chain_uids (
    tenant TEXT NOT NULL,
    uid    TEXT NOT NULL,
    link   INTEGER NOT NULL,
    PRIMARY KEY (tenant, uid),
    FOREIGN KEY (tenant, link) REFERENCES calcom_links (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX calcom_chain_uids_link ON calcom_chain_uids (tenant, link);

CREATE TABLE calcom_changes (
    id          INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    tenant      TEXT NOT NULL,
    appointment TEXT NOT NULL,
    revision    INTEGER NOT NULL,
    origin      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    link        INTEGER NOT NULL,
    fate        TEXT,
    UNIQUE (tenant, appointment, revision),
    FOREIGN KEY (tenant, link) REFERENCES calcom_links (tenant, id)
) STRICT;

CREATE INDEX calcom_changes_link ON calcom_changes (tenant, link, fate);

CREATE TABLE calcom_deliveries (
    id               INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    tenant           TEXT NOT NULL,
    fingerprint      BLOB NOT NULL,
    received_at      INTEGER NOT NULL,
    trigger_name     TEXT NOT NULL,
    booking          TEXT,
    rescheduled_from TEXT,
    sync_key         TEXT,
    body             TEXT NOT NULL,
    -- NULL: it was ignored when it came.
    link             INTEGER,
    fate             TEXT,
    UNIQUE (tenant, fingerprint),
    FOREIGN KEY (tenant, link) REFERENCES calcom_links (tenant, id)
) STRICT;

CREATE INDEX calcom_deliveries_tenant ON calcom_deliveries (tenant);
CREATE INDEX calcom_deliveries_link ON calcom_deliveries (tenant, link, fate);

CREATE TABLE calcom_reviews (
    id          INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    tenant      TEXT NOT NULL,
    -- NULL: the item is about the tenant as a whole.
    link        INTEGER,
    appointment TEXT,
    reason      TEXT NOT NULL,
    evidence    TEXT NOT NULL,
    opened_at   INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    resolution  TEXT,
    resolved_by TEXT,
    resolved_at INTEGER,
    FOREIGN KEY (tenant, link) REFERENCES calcom_links (tenant, id)
) STRICT;

-- One open item a reason, for a link or for the tenant.
CREATE UNIQUE INDEX calcom_reviews_one_open ON calcom_reviews (tenant, COALESCE(link, 0), reason) WHERE resolved_at IS NULL;
CREATE INDEX calcom_reviews_open ON calcom_reviews (tenant) WHERE resolved_at IS NULL;
CREATE INDEX calcom_reviews_link ON calcom_reviews (tenant, link);

-- No foreign key: a line outlives the link that it names.
CREATE TABLE calcom_log (
    id          INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    at          INTEGER NOT NULL,
    tenant      TEXT NOT NULL,
    link        INTEGER,
    appointment TEXT,
    event       TEXT NOT NULL
) STRICT;

CREATE INDEX calcom_log_tenant ON calcom_log (tenant);

-- The ready table for a host that has none of its own.
CREATE TABLE calcom_appointments (
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    origin     TEXT NOT NULL,
    state      TEXT NOT NULL,
    start_at   INTEGER NOT NULL,
    chain      TEXT,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, chain)
) STRICT;

CREATE INDEX calcom_appointments_start ON calcom_appointments (tenant, start_at, id);
