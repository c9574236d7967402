-- Instants are microseconds since the epoch, in UTC, by the clock of the process that wrote the row unless a column says
-- otherwise. Every foreign key starts with the tenant, so that no row can name a row of another tenant.

-- One row each, written by the first process that opened the file.
CREATE TABLE calcom_meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Tenants that are paused or held back; the others have no row.
CREATE TABLE calcom_tenants (
    tenant     TEXT PRIMARY KEY NOT NULL,
    -- The cause of the review item that came with the pause.
    paused_by  TEXT,
    -- Nothing of the tenant is claimed before.
    not_before INTEGER
) STRICT, WITHOUT ROWID;

-- How far the sweep of a tenant has come, and who is at it.
CREATE TABLE calcom_sweeps (
    tenant       TEXT PRIMARY KEY NOT NULL,
    fence        INTEGER NOT NULL,
    -- When the lease runs out. NULL: the last one was ended.
    leased_until INTEGER,
    ended_at     INTEGER,
    -- The next one is not due before, whatever its schedule.
    rest_until   INTEGER,
    -- What the engine remembers, in its own format.
    cursor       BLOB,
    format       INTEGER,
    CHECK ((cursor IS NULL) = (format IS NULL))
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: the id of a link that was absorbed is never given out again, or a lease on it could come back to life.
CREATE TABLE calcom_links (
    id          INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    tenant      TEXT NOT NULL,
    appointment TEXT,
    booking     TEXT,
    chain       TEXT,
    series      TEXT,
    sync_key    TEXT,
    bare        INTEGER NOT NULL DEFAULT 1,
    -- What the engine remembers, in its own format. A link that holds nothing yet can be read by every version: format 0.
    state       BLOB,
    format      INTEGER NOT NULL DEFAULT 0,
    -- When it can be claimed; while it is leased, when the lease runs out. NULL: there is nothing to do.
    due_at      INTEGER,
    not_before  INTEGER,
    is_leased   INTEGER NOT NULL DEFAULT 0,
    fence       INTEGER NOT NULL DEFAULT 0,
    -- How many notices were routed to it.
    marks       INTEGER NOT NULL DEFAULT 0,
    -- How often it was claimed since it was last settled.
    begun       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant, id)
) STRICT;

-- The format is in the index so that links of a newer one are passed over without reading their rows.
CREATE INDEX calcom_links_due ON calcom_links (tenant, due_at, id, format) WHERE due_at IS NOT NULL;
CREATE INDEX calcom_links_series ON calcom_links (tenant, series) WHERE series IS NOT NULL;

-- Under which names a link is found. A name stays with its link when the link has a newer one: a booking whose creation was
-- never answered may turn up much later, under a sync key or a uid that is not the newest.
CREATE TABLE calcom_keys (
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL CHECK (kind IN ('appointment', 'booking', 'chain', 'sync_key')),
    name   TEXT NOT NULL,
    link   INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, name),
    FOREIGN KEY (tenant, link) REFERENCES calcom_links (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX calcom_keys_link ON calcom_keys (tenant, link, kind);

-- Everything that was taken in: changes of the host, deliveries of Cal.com, and marks. One sequence of ids, which is the order
-- of intake. Inserting is all that the doors do: no row here names the link that a change or a delivery belongs to, because
-- that is found by its appointment or its booking when somebody looks.
CREATE TABLE calcom_notices (
    id               INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    tenant           TEXT NOT NULL,
    kind             TEXT NOT NULL,
    taken_at         INTEGER NOT NULL,
    -- Who told of it; of a mark, why it was made. NULL stands for the host.
    source           TEXT,
    -- 0 until a claim has made its link due for it.
    routed           INTEGER NOT NULL DEFAULT 0,
    fate             TEXT,
    settled_at       INTEGER,
    -- A change. `at` is the host's word.
    appointment      TEXT,
    revision         INTEGER,
    origin           TEXT,
    at               INTEGER,
    -- A delivery. `at_door`: it was ignored when it came, and its bytes stay known.
    fingerprint      BLOB,
    trigger_name     TEXT,
    booking          TEXT,
    rescheduled_from TEXT,
    sync_key         TEXT,
    claim            TEXT,
    body             TEXT,
    at_door          INTEGER NOT NULL DEFAULT 0,
    -- A mark, which is removed when it was heeded.
    link             INTEGER,
    review           INTEGER,
    CHECK (CASE kind
        WHEN 'change' THEN appointment IS NOT NULL AND revision >= 0 AND origin IS NOT NULL AND at IS NOT NULL
        WHEN 'delivery' THEN fingerprint IS NOT NULL AND trigger_name IS NOT NULL AND body IS NOT NULL AND source IS NOT NULL
        WHEN 'mark' THEN link IS NOT NULL AND source IS NOT NULL
        ELSE FALSE
    END),
    CHECK ((fate IS NULL) = (settled_at IS NULL)),
    FOREIGN KEY (tenant, link) REFERENCES calcom_links (tenant, id),
    FOREIGN KEY (tenant, review) REFERENCES calcom_reviews (tenant, id)
) STRICT;

CREATE UNIQUE INDEX calcom_notices_change ON calcom_notices (tenant, appointment, revision) WHERE kind = 'change';
CREATE UNIQUE INDEX calcom_notices_delivery ON calcom_notices (tenant, fingerprint)
    WHERE kind = 'delivery' AND (fate IS NULL OR at_door = 1);
CREATE INDEX calcom_notices_unrouted ON calcom_notices (tenant, id) WHERE routed = 0;
CREATE INDEX calcom_notices_waiting_changes ON calcom_notices (tenant, appointment, id)
    WHERE kind = 'change' AND fate IS NULL;
CREATE INDEX calcom_notices_waiting_deliveries ON calcom_notices (tenant, booking, id)
    WHERE kind = 'delivery' AND fate IS NULL;
CREATE INDEX calcom_notices_deliveries ON calcom_notices (tenant, id) WHERE kind = 'delivery';
CREATE INDEX calcom_notices_bodies ON calcom_notices (settled_at, id)
    WHERE kind = 'delivery' AND settled_at IS NOT NULL AND body <> '';
CREATE INDEX calcom_notices_recorded ON calcom_notices (tenant, appointment, taken_at, id) WHERE kind = 'change';
CREATE INDEX calcom_notices_of_booking ON calcom_notices (tenant, booking, taken_at, id)
    WHERE kind = 'delivery' AND booking IS NOT NULL;
CREATE INDEX calcom_notices_ended ON calcom_notices (tenant, kind, settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX calcom_notices_received ON calcom_notices (tenant, source, taken_at) WHERE kind = 'delivery';
CREATE INDEX calcom_notices_link ON calcom_notices (tenant, link, id) WHERE link IS NOT NULL;
CREATE INDEX calcom_notices_review ON calcom_notices (tenant, review) WHERE review IS NOT NULL;
CREATE INDEX calcom_notices_settled ON calcom_notices (kind, settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE calcom_reviews (
    id          INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    tenant      TEXT NOT NULL,
    -- NULL: the item is about the tenant as a whole.
    link        INTEGER,
    appointment TEXT,
    cause       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    ends        TEXT NOT NULL,
    evidence    TEXT NOT NULL,
    count       INTEGER NOT NULL DEFAULT 1,
    opened_at   INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    resolution  TEXT,
    resolved_by TEXT,
    resolved_at INTEGER,
    outcome     TEXT,
    UNIQUE (tenant, id),
    CHECK ((resolution IS NULL) = (resolved_at IS NULL) AND (resolution IS NULL) = (resolved_by IS NULL)),
    FOREIGN KEY (tenant, link) REFERENCES calcom_links (tenant, id)
) STRICT;

-- One open item a cause, for a link or for the tenant.
CREATE UNIQUE INDEX calcom_reviews_one_open ON calcom_reviews (tenant, COALESCE(link, 0), cause) WHERE resolved_at IS NULL;
CREATE INDEX calcom_reviews_open ON calcom_reviews (tenant, id) WHERE resolved_at IS NULL;
CREATE INDEX calcom_reviews_link ON calcom_reviews (tenant, link) WHERE link IS NOT NULL;
CREATE INDEX calcom_reviews_reason ON calcom_reviews (tenant, reason, id);
CREATE INDEX calcom_reviews_resolved ON calcom_reviews (resolved_at) WHERE resolved_at IS NOT NULL;

-- The links that have a part in an item.
CREATE TABLE calcom_review_links (
    tenant TEXT NOT NULL,
    review INTEGER NOT NULL,
    link   INTEGER NOT NULL,
    PRIMARY KEY (tenant, review, link),
    FOREIGN KEY (tenant, review) REFERENCES calcom_reviews (tenant, id),
    FOREIGN KEY (tenant, link) REFERENCES calcom_links (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX calcom_review_links_link ON calcom_review_links (tenant, link, review);

-- No foreign key: a line outlives the link that it names.
CREATE TABLE calcom_log (
    id          INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    at          INTEGER NOT NULL,
    tenant      TEXT NOT NULL,
    link        INTEGER,
    appointment TEXT,
    event       TEXT NOT NULL
) STRICT;

CREATE INDEX calcom_log_tenant ON calcom_log (tenant, id);
CREATE INDEX calcom_log_appointment ON calcom_log (tenant, appointment, at, id) WHERE appointment IS NOT NULL;
CREATE INDEX calcom_log_link ON calcom_log (tenant, link, at, id) WHERE appointment IS NULL AND link IS NOT NULL;
CREATE INDEX calcom_log_at ON calcom_log (at);

-- The ready table for a host that has none of its own. Its instants are the host's.
CREATE TABLE calcom_appointments (
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    origin     TEXT NOT NULL,
    state      TEXT NOT NULL,
    start_at   INTEGER NOT NULL,
    chain      TEXT,
    updated_at INTEGER NOT NULL,
    reason     TEXT,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, chain)
) STRICT;

CREATE INDEX calcom_appointments_start ON calcom_appointments (tenant, start_at, id);

-- The ready services table for a host that has none of its own. Its instants are the host's. Several services may name one event
-- type: that is the host's mistake, and reported.
CREATE TABLE calcom_services (
    tenant            TEXT NOT NULL,
    id                TEXT NOT NULL,
    revision          INTEGER NOT NULL,
    name              TEXT NOT NULL,
    length_in_minutes INTEGER NOT NULL,
    description       TEXT,
    is_active         INTEGER NOT NULL,
    event_type        INTEGER,
    updated_at        INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE INDEX calcom_services_event_type ON calcom_services (tenant, event_type, id) WHERE event_type IS NOT NULL;

-- Who syncs the services of a tenant, and when the next sync is due.
CREATE TABLE calcom_service_syncs (
    tenant       TEXT PRIMARY KEY NOT NULL,
    fence        INTEGER NOT NULL,
    -- When the lease runs out. NULL: the last one was ended.
    leased_until INTEGER,
    ended_at     INTEGER,
    -- When the first of the failed attempts is due again. NULL: none is.
    retry_at     INTEGER,
    -- The next one is not due before, whatever its schedule.
    rest_until   INTEGER
) STRICT, WITHOUT ROWID;

-- What is known of each service, event type, or pair of them.
CREATE TABLE calcom_service_links (
    id           INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    tenant       TEXT NOT NULL,
    service      TEXT,
    event_type   INTEGER,
    status       TEXT NOT NULL,
    attempts     INTEGER NOT NULL,
    last_error   TEXT,
    next_attempt INTEGER,
    updated_at   INTEGER NOT NULL,
    -- What the engine remembers, in its own format.
    state        BLOB,
    format       INTEGER,
    UNIQUE (tenant, id),
    CHECK ((state IS NULL) = (format IS NULL))
) STRICT;
