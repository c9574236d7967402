-- Events of senders other than Cal.com: an inbox and a queue in one. Inserting is all that the door does; whether an earlier event
-- of the same key holds one up is found when somebody looks.
CREATE TABLE sender_events (
    tenant    text COLLATE "C" NOT NULL CHECK (tenant <> ''),
    id        bigint GENERATED ALWAYS AS IDENTITY,
    sender    text COLLATE "C" NOT NULL,
    -- The sender's own.
    event_id  text COLLATE "C" NOT NULL,
    event     text NOT NULL,
    order_key text COLLATE "C",
    -- The sender's word.
    signed_at timestamptz,
    taken_at  timestamptz NOT NULL,
    body      bytea NOT NULL,
    -- When it can be claimed; while it is leased, when the lease runs out. NULL: it has ended, or waits for its review item to be
    -- resolved.
    due_at    timestamptz,
    is_leased boolean NOT NULL DEFAULT false,
    fence     bigint NOT NULL DEFAULT 0,
    -- How often it was claimed since it came, or since a person had it retried.
    attempts  bigint NOT NULL DEFAULT 0,
    -- No foreign key: the item may be pruned first.
    review    bigint,
    fate      text,
    ended_at  timestamptz,
    PRIMARY KEY (tenant, id),
    CHECK ((fate IS NULL) = (ended_at IS NULL) AND (due_at IS NULL OR fate IS NULL) AND (due_at IS NOT NULL OR NOT is_leased))
);

CREATE UNIQUE INDEX sender_events_name ON sender_events (tenant, sender, event_id);
CREATE INDEX sender_events_due ON sender_events (tenant, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX sender_events_key ON sender_events (tenant, sender, order_key, id)
    WHERE due_at IS NOT NULL AND order_key IS NOT NULL;
CREATE INDEX sender_events_leased ON sender_events (tenant, sender, order_key, due_at)
    WHERE is_leased AND order_key IS NOT NULL;
CREATE INDEX sender_events_parked ON sender_events (tenant, review) WHERE due_at IS NULL AND fate IS NULL;
CREATE INDEX sender_events_ended ON sender_events (ended_at, tenant, id) WHERE ended_at IS NOT NULL;
CREATE INDEX sender_events_bodies ON sender_events (ended_at, tenant, id) WHERE ended_at IS NOT NULL AND body <> '';

UPDATE meta SET version = 7;
