-- Events of senders other than Cal.com: an inbox and a queue in one. Inserting is all that the door does; whether an earlier event
-- of the same key holds one up is found when somebody looks.
CREATE TABLE calcom_sender_events (
    id        INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    tenant    TEXT NOT NULL,
    sender    TEXT NOT NULL,
    -- The sender's own.
    event_id  TEXT NOT NULL,
    event     TEXT NOT NULL,
    order_key TEXT,
    -- The sender's word.
    signed_at INTEGER,
    taken_at  INTEGER NOT NULL,
    body      TEXT NOT NULL,
    -- When it can be claimed; while it is leased, when the lease runs out. NULL: it has ended, or waits for its review item to be
    -- resolved.
    due_at    INTEGER,
    is_leased INTEGER NOT NULL DEFAULT 0,
    fence     INTEGER NOT NULL DEFAULT 0,
    -- How often it was claimed since it came, or since a person had it retried.
    attempts  INTEGER NOT NULL DEFAULT 0,
    -- No foreign key: the item may be pruned first.
    review    INTEGER,
    fate      TEXT,
    ended_at  INTEGER,
    UNIQUE (tenant, sender, event_id),
    CHECK ((fate IS NULL) = (ended_at IS NULL)),
    CHECK (due_at IS NULL OR fate IS NULL),
    CHECK (due_at IS NOT NULL OR is_leased = 0)
) STRICT;

CREATE INDEX calcom_sender_events_due ON calcom_sender_events (tenant, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX calcom_sender_events_key ON calcom_sender_events (tenant, sender, order_key, id)
    WHERE due_at IS NOT NULL AND order_key IS NOT NULL;
CREATE INDEX calcom_sender_events_leased ON calcom_sender_events (tenant, sender, order_key, due_at)
    WHERE is_leased = 1 AND order_key IS NOT NULL;
CREATE INDEX calcom_sender_events_parked ON calcom_sender_events (tenant, review) WHERE due_at IS NULL AND fate IS NULL;
CREATE INDEX calcom_sender_events_tenant ON calcom_sender_events (tenant, id);
CREATE INDEX calcom_sender_events_ended ON calcom_sender_events (ended_at, id) WHERE ended_at IS NOT NULL;
CREATE INDEX calcom_sender_events_bodies ON calcom_sender_events (ended_at, id) WHERE ended_at IS NOT NULL AND body <> '';
