-- The tables of the PostgreSQL store (PostgreSQL 13 or later), in the schema that is first in search_path.
--
-- Texts that are keys compare byte by byte (COLLATE "C"): tenants take turns, and appointments are scanned, in the order in
-- which Rust sorts them, and no upgrade of the C library can put an index out of order. What the engine or a person wrote as
-- JSON is text and never jsonb, which refuses \u0000; bodies and states are bytes.
--
-- A column that is stored under a lock is stamped by the statement that stores it (now_of_books()). A door may run in a host's
-- transaction, of which now() is the beginning, and in a host's trigger, of which statement_timestamp() is the beginning of the
-- statement that fired it; so what a door stamps is clock_of_books().

-- The store's time: stable within a statement, so that an index can answer a condition on it, and inlined by the planner.
CREATE FUNCTION now_of_books() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT pg_catalog.statement_timestamp()';

-- The store's time at a door.
CREATE FUNCTION clock_of_books() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT pg_catalog.clock_timestamp()';

CREATE TABLE meta (
    is_only     boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    version     integer NOT NULL,
    -- The oldest version of the tables whose workers may still use these.
    oldest      integer NOT NULL DEFAULT 1,
    books_since timestamptz NOT NULL DEFAULT clock_of_books()
);

INSERT INTO meta (version) VALUES (1);

-- A tenant that was never paused or held has no row.
CREATE TABLE tenants (
    tenant     text COLLATE "C" PRIMARY KEY,
    -- The cause of the review item that came with the pause.
    paused_by  text COLLATE "C",
    not_before timestamptz
);

-- The columns appointment, booking, chain and sync_key are the link as the engine last stored it; who is found by a key, or by
-- an older one, is in keys.
CREATE TABLE links (
    tenant      text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    id          bigint GENERATED ALWAYS AS IDENTITY,
    appointment text COLLATE "C",
    booking     text COLLATE "C",
    chain       text COLLATE "C",
    series      text COLLATE "C",
    sync_key    text COLLATE "C",
    is_bare     boolean NOT NULL DEFAULT true,
    -- Of the bytes in state; 0 while there are none.
    format      integer NOT NULL DEFAULT 0,
    state       bytea,
    -- When it can be claimed next; while it is leased, when the lease runs out. NULL: when something new waits for it.
    due_at      timestamptz,
    not_before  timestamptz,
    is_leased   boolean NOT NULL DEFAULT false,
    fence       bigint NOT NULL DEFAULT 0,
    marks       bigint NOT NULL DEFAULT 0,
    begun       bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, id)
);

-- The queue. The format comes before the time, so that a worker passes over links of a newer format without reading them.
CREATE INDEX links_due ON links (tenant, format, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX links_series ON links (tenant, series) WHERE series IS NOT NULL;

-- How far the sweep of a tenant has come, and who is at it. No row: it was never swept.
CREATE TABLE sweeps (
    tenant       text COLLATE "C" PRIMARY KEY CHECK (tenant <> ''),
    fence        bigint NOT NULL DEFAULT 1,
    -- When the lease runs out. NULL: the last one was ended.
    leased_until timestamptz,
    ended_at     timestamptz,
    -- The next one is not due before, whatever its schedule.
    rest_until   timestamptz,
    -- What the engine remembers.
    format       integer,
    cursor       bytea
);

-- Which link an appointment, a booking's uid, a chain's key or a sync key belongs to. A key that a link had before stays its own.
CREATE TABLE keys (
    tenant text COLLATE "C" NOT NULL,
    kind   text COLLATE "C" NOT NULL CHECK (kind IN ('appointment', 'booking', 'chain', 'sync_key')),
    name   text COLLATE "C" NOT NULL,
    link   bigint NOT NULL,
    PRIMARY KEY (tenant, kind, name),
    FOREIGN KEY (tenant, link) REFERENCES links (tenant, id)
);

CREATE INDEX keys_link ON keys (tenant, link, kind);

-- What says *look here*. One sequence numbers changes, deliveries and marks in the order in which they were taken in; a row whose
-- transaction stayed open is visible later than rows with larger numbers, and nothing relies on the opposite.
--
-- No row names the link that it waits for, except a mark: a change waits for the link of its appointment, a delivery for that of
-- its booking. So a door has nothing to look up, and a link that takes over another one's keys takes over what waits.
CREATE TABLE notices (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind             text COLLATE "C" NOT NULL,
    tenant           text COLLATE "C" NOT NULL,
    taken_at         timestamptz NOT NULL DEFAULT clock_of_books(),
    -- Who told of it; of a mark, why it was made. NULL stands for the host.
    source           text,
    -- Whether a claim has made its link due.
    is_routed        boolean NOT NULL DEFAULT false,
    fate             text,
    settled_at       timestamptz,
    -- A change.
    appointment      text COLLATE "C",
    revision         bigint,
    origin           text,
    at               timestamptz,
    -- A delivery.
    fingerprint      bytea,
    trigger_name     text,
    booking          text COLLATE "C",
    rescheduled_from text COLLATE "C",
    sync_key         text COLLATE "C",
    claim            text,
    body             bytea,
    -- Ignored when it came: its bytes stay known until it is pruned.
    is_ignored       boolean NOT NULL DEFAULT false,
    -- A mark.
    target           bigint,
    -- The resolved item whose instruction it carries.
    review           bigint,
    FOREIGN KEY (tenant, target) REFERENCES links (tenant, id),
    -- One condition, since each one costs a statement that inserts a single row about as much as an index. The empty text is what
    -- comes before every tenant.
    CHECK (
        tenant <> ''
        AND (fate IS NULL) = (settled_at IS NULL)
        AND CASE kind
            WHEN 'change' THEN (appointment, revision, origin, at) IS NOT NULL
            WHEN 'delivery' THEN (fingerprint, trigger_name, claim, body, source) IS NOT NULL AND (booking IS NOT NULL OR is_ignored)
            WHEN 'mark' THEN (target, source) IS NOT NULL
            ELSE false
        END
    )
);

-- Every statement that inserts a row prepares the conditions of all indexes, whether the row is in them or not.
CREATE INDEX notices_unrouted ON notices (tenant, id) WHERE NOT is_routed AND fate IS NULL;
CREATE UNIQUE INDEX notices_change ON notices (tenant, appointment, revision) WHERE kind = 'change';
CREATE UNIQUE INDEX notices_bytes ON notices (tenant, fingerprint)
    WHERE kind = 'delivery' AND (fate IS NULL OR is_ignored);
CREATE INDEX notices_deliveries ON notices (tenant, id) WHERE kind = 'delivery';
CREATE INDEX notices_received ON notices (tenant, source, taken_at) WHERE kind = 'delivery';
CREATE INDEX notices_waiting_changes ON notices (tenant, appointment, id) WHERE kind = 'change' AND fate IS NULL;
-- Not by kind: the check of the foreign key, when a link is removed, knows nothing of it.
CREATE INDEX notices_marks ON notices (tenant, target, id) WHERE target IS NOT NULL;
CREATE INDEX notices_instructions ON notices (tenant, review) WHERE kind = 'mark' AND review IS NOT NULL;
CREATE INDEX notices_bodies ON notices (settled_at, id)
    WHERE kind = 'delivery' AND fate IS NOT NULL AND body <> '';
CREATE INDEX notices_recorded ON notices (tenant, appointment, taken_at, id) WHERE kind = 'change';
CREATE INDEX notices_of_booking ON notices (tenant, booking, taken_at, id)
    WHERE kind = 'delivery' AND booking IS NOT NULL;
CREATE INDEX notices_ended ON notices (tenant, kind, settled_at) WHERE fate IS NOT NULL;
CREATE INDEX notices_settled ON notices (kind, settled_at) WHERE fate IS NOT NULL;

CREATE TABLE reviews (
    tenant      text COLLATE "C" NOT NULL,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    -- NULL: the item is about the tenant as a whole.
    link        bigint,
    appointment text COLLATE "C",
    cause       text COLLATE "C" NOT NULL,
    reason      text NOT NULL,
    ends        text NOT NULL,
    evidence    text NOT NULL,
    count       bigint NOT NULL DEFAULT 1,
    opened_at   timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    resolution  text,
    resolved_by text,
    resolved_at timestamptz,
    outcome     text,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, link) REFERENCES links (tenant, id)
);

CREATE UNIQUE INDEX reviews_open ON reviews (tenant, COALESCE(link, 0), cause) WHERE resolved_at IS NULL;
CREATE INDEX reviews_open_in_order ON reviews (tenant, id) WHERE resolved_at IS NULL;
CREATE INDEX reviews_link ON reviews (tenant, link) WHERE link IS NOT NULL;
CREATE INDEX reviews_reason ON reviews (tenant, reason, id);
CREATE INDEX reviews_resolved ON reviews (resolved_at) WHERE resolved_at IS NOT NULL;

-- The links that have a part in an item. Whoever touches a row has locked the item's row first.
CREATE TABLE review_links (
    tenant text COLLATE "C" NOT NULL,
    review bigint NOT NULL,
    link   bigint NOT NULL,
    PRIMARY KEY (tenant, review, link),
    FOREIGN KEY (tenant, review) REFERENCES reviews (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, link) REFERENCES links (tenant, id)
);

CREATE INDEX review_links_link ON review_links (tenant, link);

-- No foreign key: a line outlives the link that it names.
CREATE TABLE log (
    tenant      text COLLATE "C" NOT NULL,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    at          timestamptz NOT NULL,
    link        bigint,
    appointment text COLLATE "C",
    event       text NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX log_appointment ON log (tenant, appointment, at, id) WHERE appointment IS NOT NULL;
CREATE INDEX log_link ON log (tenant, link, at, id) WHERE appointment IS NULL AND link IS NOT NULL;
CREATE INDEX log_at ON log (at);

-- The ready table for a host that has none of its own.
CREATE TABLE appointments (
    tenant     text COLLATE "C" NOT NULL,
    id         text COLLATE "C" NOT NULL,
    revision   bigint NOT NULL,
    origin     text NOT NULL,
    state      text NOT NULL,
    start_at   timestamptz NOT NULL,
    chain      text COLLATE "C",
    updated_at timestamptz NOT NULL,
    -- Of the latest write.
    reason     text,
    PRIMARY KEY (tenant, id)
);

CREATE UNIQUE INDEX appointments_chain ON appointments (tenant, chain) WHERE chain IS NOT NULL;
CREATE INDEX appointments_start ON appointments (tenant, start_at, id);

-- The ready services table for a host that has none of its own. Several services may name one event type: that is the host's
-- mistake, and reported.
CREATE TABLE services (
    tenant            text COLLATE "C" NOT NULL,
    id                text COLLATE "C" NOT NULL,
    revision          bigint NOT NULL,
    name              text NOT NULL,
    length_in_minutes bigint NOT NULL,
    description       text,
    is_active         boolean NOT NULL,
    event_type        bigint,
    updated_at        timestamptz NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX services_event_type ON services (tenant, event_type, id) WHERE event_type IS NOT NULL;

-- Who syncs the services of a tenant, and when the next sync is due. No row: they were never synced.
CREATE TABLE service_syncs (
    tenant       text COLLATE "C" PRIMARY KEY CHECK (tenant <> ''),
    fence        bigint NOT NULL DEFAULT 1,
    -- When the lease runs out. NULL: the last one was ended.
    leased_until timestamptz,
    ended_at     timestamptz,
    -- When the first of the failed attempts is due again. NULL: none is.
    retry_at     timestamptz,
    -- The next one is not due before, whatever its schedule.
    rest_until   timestamptz
);

-- What is known of each service, event type, or pair of them.
CREATE TABLE service_links (
    tenant       text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    id           bigint GENERATED ALWAYS AS IDENTITY,
    service      text COLLATE "C",
    event_type   bigint,
    status       text NOT NULL,
    attempts     bigint NOT NULL,
    last_error   text,
    next_attempt timestamptz,
    updated_at   timestamptz NOT NULL,
    -- What the engine remembers.
    format       integer,
    state        bytea,
    PRIMARY KEY (tenant, id)
);
