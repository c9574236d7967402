-- Every statement of a PostgreSQL store, as scripts/check-postgres prepares and runs it. README.md says which operation of the
-- ports turns on which.
--
-- The store sets on each of its connections, and opens every transaction as READ COMMITTED:
--
--     default_transaction_isolation = 'read committed'
--     lock_timeout = '2s'
--     statement_timeout = '10s'
--     idle_in_transaction_session_timeout = '5s'
--
-- The isolation level is not only enough, it is needed: a statement that follows a lock has to see what the last holder of the
-- lock committed. For the same reason a lock and what it protects are never one statement.
--
-- Order of locks: the tenant's lock, links by id, review items by id, their parts, then anything else. What takes one lock only,
-- or takes only what is free (SKIP LOCKED), stands outside of the order. The doors take none of these.
--
-- Intervals are microseconds (bigint). The tenant is always $1, except where none is named.


-- Doors -------------------------------------------------------------------------------------------------------------------------

-- Outbox::record, on the store's connection or in the host's transaction. Inserts one row, has no foreign key to check and locks
-- nothing. It waits in one case: another transaction has recorded the same revision of the same appointment and is still open.
-- $2 appointment, $3 revision, $4 origin, $5 the host's time, $6 source
PREPARE record_change (text, text, bigint, text, timestamptz, text) AS
INSERT INTO calcom.notices (kind, tenant, appointment, revision, origin, at, source)
VALUES ('change', $1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant, appointment, revision) WHERE kind = 'change' DO NOTHING;

-- Inbox::accept. No row comes back: a duplicate. It waits in one case: a transaction that stores, routes or settles the very same
-- bytes is about to commit.
-- $2 fingerprint, $3 trigger, $4 booking, $5 rescheduled from, $6 sync key, $7 claim, $8 body, $9 fate if it is ignored, $10 source
PREPARE accept_delivery (text, bytea, text, text, text, text, text, bytea, text, text) AS
INSERT INTO calcom.notices
    (kind, tenant, fingerprint, trigger_name, booking, rescheduled_from, sync_key, claim, body, fate, settled_at, is_ignored,
     source)
VALUES ('delivery', $1, $2, $3, $4, $5, $6, $7, $8, $9, CASE WHEN $9 IS NOT NULL THEN clock_timestamp() END, $9 IS NOT NULL,
     $10)
ON CONFLICT (tenant, fingerprint) WHERE kind = 'delivery' AND (fate IS NULL OR is_ignored) DO NOTHING
RETURNING id;

-- Outbox::changes. Reads.
-- $2 appointment, $3 after (0: from the first), $4 limit
PREPARE changes (text, text, bigint, bigint) AS
WITH own AS MATERIALIZED (
    SELECT id, revision, origin, at, source, fate FROM calcom.notices WHERE kind = 'change' AND tenant = $1 AND appointment = $2
)
SELECT * FROM own WHERE id > $3 ORDER BY id LIMIT $4;

-- Inbox::deliveries. Reads.
-- $2 after, $3 limit
PREPARE deliveries (text, bigint, bigint) AS
SELECT id, trigger_name, booking, claim, taken_at, source, fate
FROM calcom.notices
WHERE kind = 'delivery' AND (tenant, id) > ($1, $2) AND tenant <= $1
ORDER BY tenant, id LIMIT $3;

-- Inbox::webhook_health: webhook_health, last_received. Reads.
-- $2 how far back
PREPARE webhook_health (text, bigint) AS
SELECT source, fate, count(*) AS deliveries
FROM calcom.notices
WHERE kind = 'delivery' AND tenant = $1 AND source IN ('webhook', 'sweep')
  AND taken_at >= statement_timestamp() - $2 * interval '1 us'
GROUP BY source, fate;

PREPARE last_received (text) AS
SELECT (EXTRACT(epoch FROM statement_timestamp() - max(taken_at)) * 1000000)::bigint AS microseconds
FROM calcom.notices
WHERE kind = 'delivery' AND tenant = $1 AND source = 'webhook';


-- The tenant's lock -------------------------------------------------------------------------------------------------------------

-- One lock a tenant, held until the transaction ends by everything that decides which link a key belongs to, that opens, closes
-- or moves review items, or that writes a line of the log. Who waits holds nothing that the holder could wait for.
PREPARE lock_tenant (text) AS
SELECT pg_advisory_xact_lock(hashtextextended('calcom.' || $1, 0));

-- A claim does not wait for it: while a settlement has it, what was routed before is claimed.
PREPARE try_lock_tenant (text) AS
SELECT pg_try_advisory_xact_lock(hashtextextended('calcom.' || $1, 0)) AS is_locked;


-- Links::claim ------------------------------------------------------------------------------------------------------------------
--
--     choose_tenant                                   alone; no row: nothing can be claimed
--     BEGIN
--       if it routes: try_lock_tenant, and if that is granted: route
--       claim_link                                    no row: COMMIT, and on with the tenant after this one
--       claim_facts, waiting_changes, waiting_deliveries, waiting_marks
--     COMMIT
--
-- The call ends when choose_tenant has gone round once.

-- The next tenant that has work and is neither paused nor held, after $1 in the order of names and around; whether what it has
-- unrouted was taken in before what is due. Walks from tenant to tenant by the two partial indexes, a few rows each, whatever
-- waits there: the first row after a tenant names the next one, and is its first. Reads.
-- $1 the tenant served last (NULL: from the first), $2 the newest format that the worker reads
PREPARE choose_tenant (text, integer) AS
WITH RECURSIVE walk (lap, tenant, is_found, routes) AS (
    SELECT CASE WHEN $1 IS NULL THEN 1 ELSE 0 END, COALESCE($1, '') COLLATE "C", false, false
    UNION ALL
    SELECT
        -- Behind the last one the second lap begins, before the first one.
        CASE WHEN next.tenant IS NULL THEN 1 ELSE walk.lap END,
        COALESCE(next.tenant, ''),
        next.can_go AND (next.taken_at IS NOT NULL OR due.at IS NOT NULL),
        next.taken_at IS NOT NULL AND (due.at IS NULL OR next.taken_at <= due.at)
    FROM walk
    LEFT JOIN LATERAL (
        SELECT tenant, taken_at FROM calcom.notices
        WHERE NOT is_routed AND fate IS NULL AND tenant > walk.tenant
        ORDER BY tenant, id LIMIT 1
    ) AS notice ON true
    LEFT JOIN LATERAL (
        SELECT tenant, format FROM calcom.links
        WHERE due_at IS NOT NULL AND tenant > walk.tenant
        ORDER BY tenant, format, due_at, id LIMIT 1
    ) AS link ON true
    CROSS JOIN LATERAL (
        SELECT least.tenant,
            CASE WHEN notice.tenant = least.tenant THEN notice.taken_at END AS taken_at,
            CASE WHEN link.tenant = least.tenant THEN link.format END AS format,
            COALESCE((
                SELECT paused_by IS NULL AND (not_before IS NULL OR not_before <= statement_timestamp())
                FROM calcom.tenants WHERE tenant = least.tenant
            ), true) AS can_go
        FROM (SELECT LEAST(notice.tenant, link.tenant) AS tenant) AS least
        OFFSET 0 -- Worked out once, not wherever it is named.
    ) AS next
    LEFT JOIN LATERAL (
        WITH RECURSIVE formats (format) AS (
            SELECT next.format WHERE next.can_go AND next.format <= $2
            UNION ALL
            SELECT (SELECT links.format FROM calcom.links
                    WHERE tenant = next.tenant AND due_at IS NOT NULL AND links.format > formats.format
                    ORDER BY tenant, links.format, due_at, id LIMIT 1)
            FROM formats WHERE formats.format < $2
        )
        SELECT first.due_at AS at
        FROM formats CROSS JOIN LATERAL (
            SELECT due_at FROM calcom.links
            WHERE tenant = next.tenant AND format = formats.format AND due_at <= statement_timestamp()
            ORDER BY tenant, format, due_at, id LIMIT 1
        ) AS first
        WHERE formats.format <= $2
        ORDER BY first.due_at LIMIT 1
    ) AS due ON true
    WHERE NOT walk.is_found
      AND (walk.lap = 0 OR (next.tenant IS NOT NULL AND ($1 IS NULL OR next.tenant <= $1)))
)
SELECT tenant, routes FROM walk WHERE is_found;

-- Gives to links what the tenant has unrouted, the 64 rows that were taken in first: finds or makes the link of each, in their
-- order, gives it the delivery's uid, and makes it due, unless a worker has it: then its settlement does.
-- Under the tenant's lock. Locks the links that are there already, by id, then the notices.
PREPARE route (text) AS
WITH RECURSIVE
batch AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY id) AS n, first.*
    FROM (
        SELECT id, taken_at, appointment, booking, rescheduled_from, sync_key, target
        FROM calcom.notices
        -- Not tenant = $1: the planner would take the order by id for enough, and walk the primary key.
        WHERE tenant >= $1 AND tenant <= $1 AND NOT is_routed AND fate IS NULL
        ORDER BY tenant, id LIMIT 64
    ) AS first
),
known AS (
    SELECT kind || ':' || name AS key, link
    FROM calcom.keys
    WHERE tenant = $1 AND (kind, name) IN (
        SELECT 'appointment', appointment FROM batch
        UNION SELECT 'booking', booking FROM batch
        UNION SELECT 'booking', rescheduled_from FROM batch
        UNION SELECT 'sync_key', sync_key FROM batch
    )
),
-- Row by row; owners holds what each key belongs to by then. A link that is to be made is its first row's number, negative.
walk (n, link, owners) AS (
    SELECT 0::bigint, NULL::bigint, COALESCE((SELECT jsonb_object_agg(key, link) FROM known), '{}')
    UNION ALL
    SELECT batch.n, owner.link,
        CASE WHEN batch.target IS NULL THEN walk.owners || jsonb_build_object(
            COALESCE('appointment:' || batch.appointment, 'booking:' || batch.booking), owner.link
        ) ELSE walk.owners END
    FROM walk
    JOIN batch ON batch.n = walk.n + 1
    CROSS JOIN LATERAL (
        SELECT COALESCE(
            batch.target,
            (walk.owners ->> ('appointment:' || batch.appointment))::bigint,
            (walk.owners ->> ('booking:' || batch.booking))::bigint,
            (walk.owners ->> ('booking:' || batch.rescheduled_from))::bigint,
            (walk.owners ->> ('sync_key:' || batch.sync_key))::bigint,
            -batch.n
        ) AS link
    ) AS owner
),
numbered AS MATERIALIZED (
    SELECT made.link AS n, nextval('calcom.links_id_seq') AS id
    FROM (SELECT DISTINCT link FROM walk WHERE link < 0 ORDER BY link DESC) AS made
),
routed AS MATERIALIZED (
    SELECT batch.*, COALESCE(numbered.id, walk.link) AS link
    FROM walk JOIN batch USING (n) LEFT JOIN numbered ON numbered.n = walk.link
),
-- One row a link, by id: inserted if it is new, else locked and marked. An upsert finds its row by the unique index, whatever the
-- planner believes of the table.
marked AS (
    INSERT INTO calcom.links (tenant, id, appointment, booking, due_at, marks)
    OVERRIDING SYSTEM VALUE
    SELECT $1, link, (array_agg(appointment ORDER BY n))[1], (array_agg(booking ORDER BY n))[1], min(taken_at), count(*)
    FROM routed GROUP BY link ORDER BY link
    ON CONFLICT (tenant, id) DO UPDATE
    SET marks = links.marks + excluded.marks,
        due_at = CASE WHEN links.is_leased THEN links.due_at
            ELSE LEAST(links.due_at, GREATEST(links.not_before, excluded.due_at)) END
),
owned AS (
    INSERT INTO calcom.keys (tenant, kind, name, link)
    SELECT DISTINCT $1, CASE WHEN appointment IS NULL THEN 'booking' ELSE 'appointment' END, COALESCE(appointment, booking), link
    FROM routed WHERE target IS NULL
    ON CONFLICT (tenant, kind, name) DO NOTHING
)
UPDATE calcom.notices SET is_routed = true
FROM routed WHERE notices.id = routed.id;

-- Claims the tenant's link that is due for longest. Locks one link, and only one that is free.
-- $2 the newest format that the worker reads, $3 the lease
PREPARE claim_link (text, integer, bigint) AS
UPDATE calcom.links
SET due_at = statement_timestamp() + $3 * interval '1 microsecond', is_leased = true, fence = fence + 1, begun = begun + 1
WHERE tenant = $1 AND id = (
    SELECT id FROM calcom.links
    WHERE tenant = $1 AND due_at <= statement_timestamp()
      AND format = (
        WITH RECURSIVE formats (format) AS (
            (SELECT format FROM calcom.links
             WHERE tenant = $1 AND due_at IS NOT NULL ORDER BY tenant, format, due_at LIMIT 1)
            UNION ALL
            SELECT (SELECT links.format FROM calcom.links
                    WHERE tenant = $1 AND due_at IS NOT NULL AND links.format > formats.format
                    ORDER BY tenant, links.format, due_at LIMIT 1)
            FROM formats WHERE formats.format < $2
        )
        SELECT formats.format
        FROM formats CROSS JOIN LATERAL (
            SELECT due_at, id FROM calcom.links
            WHERE tenant = $1 AND format = formats.format AND due_at <= statement_timestamp()
            ORDER BY tenant, format, due_at, id LIMIT 1
        ) AS first
        WHERE formats.format <= $2
        ORDER BY first.due_at, first.id LIMIT 1
      )
      -- It may have been paused since it was chosen.
      AND COALESCE((
        SELECT paused_by IS NULL AND (not_before IS NULL OR not_before <= statement_timestamp())
        FROM calcom.tenants WHERE tenant = $1
      ), true)
    ORDER BY tenant, format, due_at, id LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id, appointment, booking, chain, series, sync_key, is_bare, format, state, fence, marks, begun,
    statement_timestamp() AS now;

-- What else a claim says. Reads.
-- $2 the link's appointment
PREPARE claim_facts (text, text) AS
SELECT
    (SELECT revision FROM calcom.notices
     WHERE kind = 'change' AND tenant = $1 AND appointment = $2 ORDER BY revision LIMIT 1) AS first_revision,
    (SELECT books_since FROM calcom.meta) AS books_since;

-- What waits for a link. Reads.
-- $2 the link's appointment
PREPARE waiting_changes (text, text) AS
SELECT id, revision, origin, at, source
FROM calcom.notices
WHERE kind = 'change' AND fate IS NULL AND tenant = $1 AND appointment = $2
ORDER BY id;

-- $2 the link
PREPARE waiting_deliveries (text, bigint) AS
SELECT id, trigger_name, booking, claim, taken_at, source
FROM calcom.notices
WHERE kind = 'delivery' AND fate IS NULL AND tenant = $1
  AND booking IN (SELECT name FROM calcom.keys WHERE tenant = $1 AND link = $2 AND kind = 'booking')
ORDER BY id;

-- $2 the link
PREPARE waiting_marks (text, bigint) AS
SELECT id, source, instruction
FROM calcom.notices
WHERE kind = 'mark' AND tenant = $1 AND target = $2
ORDER BY id;


-- Under a lease -----------------------------------------------------------------------------------------------------------------
--
-- Links::checkpoint: lock_tenant, owners, lock_links, checkpoint_link, own_keys, append_log.
--
-- Links::settle:
--
--     BEGIN
--       lock_tenant
--       owners                    of the keys that the link is to have
--       lock_links                its own and those; no own row, another fence, not leased: LeaseLost.
--                                 another one that is not bare, or has another appointment: Conflict
--       end_changes, end_deliveries   fewer rows than were named: Invalid
--       end_marks
--       for each link that is absorbed, by id: the statements of *absorb*
--       own_keys
--       open_review and give_part for each review; close_parts and end_parts if it is settled; close_gone; tell_outcomes
--       hold_tenant or pause_tenant
--       mark_siblings
--       append_log                the settlement's lines, and one for each item that was closed
--       settle_link
--     COMMIT
--
-- Links::absorb: lock_tenant, lock_links (both), the statements of *absorb*, take_appointment, mark_link, append_log.
--
-- Who finds that it must fail rolls back. Only one transaction a tenant is between lock_tenant and COMMIT, so that what owners
-- finds holds until then, and no two of these meet on a link, a review item or a part. Rows are locked all the same, by id: a
-- claim and a prune take no tenant's lock.

-- Whose the keys are. Reads, under the tenant's lock.
-- $2 kinds, $3 names
PREPARE owners (text, text[], text[]) AS
SELECT COALESCE(array_agg(DISTINCT link ORDER BY link), '{}') AS links
FROM calcom.keys
WHERE tenant = $1 AND (kind, name) IN (SELECT * FROM unnest($2, $3));

-- Locks links, by id.
-- $2 links
PREPARE lock_links (text, bigint[]) AS
SELECT id, fence, is_leased, marks, is_bare, appointment
FROM calcom.links
WHERE tenant = $1 AND id = ANY ($2)
ORDER BY id FOR UPDATE;

-- $2 link, $3 lease, $4 appointment, $5 booking, $6 chain, $7 series, $8 sync key, $9 bare, $10 format, $11 state
-- An appointment that an absorbed link has brought meanwhile stays.
PREPARE checkpoint_link (text, bigint, bigint, text, text, text, text, text, boolean, integer, bytea) AS
UPDATE calcom.links
SET due_at = GREATEST(due_at, statement_timestamp() + $3 * interval '1 microsecond'),
    appointment = COALESCE($4, appointment), booking = $5, chain = $6, series = $7, sync_key = $8, is_bare = $9,
    format = $10, state = $11
WHERE tenant = $1 AND id = $2;

-- $2 kinds, $3 names, $4 link
PREPARE own_keys (text, text[], text[], bigint) AS
INSERT INTO calcom.keys (tenant, kind, name, link)
SELECT DISTINCT $1, key.kind, key.name, $4 FROM unnest($2, $3) AS key (kind, name)
ON CONFLICT (tenant, kind, name) DO NOTHING;

-- $2 the appointment of the link as it is settled, $3 changes (each once), $4 fates
PREPARE end_changes (text, text, bigint[], text[]) AS
UPDATE calcom.notices
SET fate = ended.fate, settled_at = statement_timestamp()
FROM unnest($3, $4) AS ended (id, fate)
WHERE notices.id = ended.id AND notices.kind = 'change' AND notices.fate IS NULL
  AND notices.tenant = $1 AND notices.appointment = $2;

-- $2 link, $3 deliveries (each once), $4 fates
PREPARE end_deliveries (text, bigint, bigint[], text[]) AS
UPDATE calcom.notices
SET fate = ended.fate, settled_at = statement_timestamp()
FROM unnest($3, $4) AS ended (id, fate)
WHERE notices.id = ended.id AND notices.kind = 'delivery' AND notices.fate IS NULL AND notices.tenant = $1
  AND notices.booking IN (SELECT name FROM calcom.keys WHERE tenant = $1 AND link = $2 AND kind = 'booking');

-- $2 link, $3 marks
PREPARE end_marks (text, bigint, bigint[]) AS
DELETE FROM calcom.notices WHERE kind = 'mark' AND tenant = $1 AND target = $2 AND id = ANY ($3);

-- An item is open once within its scope. It was opened if its count is 1.
-- $2 link (NULL: the tenant), $3 the settled link's appointment, $4 cause, $5 reason, $6 ends, $7 evidence
PREPARE open_review (text, bigint, text, text, text, text, text) AS
INSERT INTO calcom.reviews (tenant, link, appointment, cause, reason, ends, evidence, opened_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, statement_timestamp(), statement_timestamp())
ON CONFLICT (tenant, COALESCE(link, 0), cause) WHERE resolved_at IS NULL
DO UPDATE SET evidence = excluded.evidence, updated_at = excluded.updated_at, count = reviews.count + 1
RETURNING id, count;

-- $2 review, $3 link
PREPARE give_part (text, bigint, bigint) AS
INSERT INTO calcom.review_links (tenant, review, link) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- Closes the items in which the link has the last part. Items that are open are never pruned, so none of them is locked.
-- $2 link, $3 items that are kept, $4 resolution
PREPARE close_parts (text, bigint, bigint[], text) AS
UPDATE calcom.reviews
SET resolution = $4, resolved_by = 'calcom', resolved_at = statement_timestamp()
WHERE tenant = $1 AND resolved_at IS NULL AND ends = 'with_links' AND id <> ALL ($3)
  AND id IN (SELECT review FROM calcom.review_links WHERE tenant = $1 AND link = $2)
  AND NOT EXISTS (
    SELECT FROM calcom.review_links AS other
    WHERE other.tenant = $1 AND other.review = reviews.id AND other.link <> $2
  )
RETURNING id, link, appointment, reason;

-- Ends the link's part in those that stay open.
-- $2 link, $3 items that are kept
PREPARE end_parts (text, bigint, bigint[]) AS
DELETE FROM calcom.review_links AS part
USING calcom.reviews AS review
WHERE part.tenant = $1 AND part.link = $2 AND review.tenant = $1 AND review.id = part.review
  AND review.resolved_at IS NULL AND review.ends = 'with_links' AND review.id <> ALL ($3);

-- $2 causes, $3 resolution
PREPARE close_gone (text, text[], text) AS
UPDATE calcom.reviews
SET resolution = $3, resolved_by = 'calcom', resolved_at = statement_timestamp()
WHERE tenant = $1 AND resolved_at IS NULL AND link IS NULL AND ends = 'with_cause' AND cause = ANY ($2)
RETURNING id, link, appointment, reason;

-- How instructions ended. An item that a prune is removing does not matter any more.
-- $2 reviews, $3 sentences
PREPARE tell_outcomes (text, bigint[], text[]) AS
WITH locked AS MATERIALIZED (
    SELECT id FROM calcom.reviews
    WHERE tenant = $1 AND id = ANY ($2) AND resolved_at IS NOT NULL
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE calcom.reviews SET outcome = told.outcome
FROM unnest($2, $3) AS told (id, outcome) JOIN locked USING (id)
WHERE reviews.tenant = $1 AND reviews.id = told.id;

-- $2 how long
PREPARE hold_tenant (text, bigint) AS
INSERT INTO calcom.tenants (tenant, not_before)
VALUES ($1, statement_timestamp() + $2 * interval '1 microsecond')
ON CONFLICT (tenant) DO UPDATE SET not_before = GREATEST(tenants.not_before, excluded.not_before);

-- $2 cause
PREPARE pause_tenant (text, text) AS
INSERT INTO calcom.tenants (tenant, paused_by) VALUES ($1, $2)
ON CONFLICT (tenant) DO UPDATE SET paused_by = excluded.paused_by;

-- A sibling is not locked, only marked; routing makes it due.
-- $2 link, $3 series
PREPARE mark_siblings (text, bigint, text) AS
INSERT INTO calcom.notices (kind, tenant, target, source)
SELECT 'mark', $1, id, 'sibling' FROM calcom.links WHERE tenant = $1 AND series = $3 AND id <> $2 ORDER BY id;

-- Ids are drawn under the tenant's lock, which is held until the transaction is visible: no reader of the tenant's log ever sees
-- an id and later a smaller one. A sequence alone would not do, and a reader that stays behind the oldest open transaction would
-- stop for every long transaction of the host's.
-- $2 links, $3 appointments, $4 events, in order
PREPARE append_log (text, bigint[], text[], text[]) AS
INSERT INTO calcom.log (tenant, at, link, appointment, event)
SELECT $1, statement_timestamp(), line.link, line.appointment, line.event
FROM unnest($2, $3, $4) WITH ORDINALITY AS line (link, appointment, event, n)
ORDER BY n;

-- Gives the lease back. $3 is when it is due from now: at once if its marks are not the lease's or a link was absorbed, else
-- after wake, in either case not before $4; NULL: at once if something waits for it, else when something comes.
-- $2 link, $3 due, $4 not before, $5 appointment, $6 booking, $7 chain, $8 series, $9 sync key, $10 bare, $11 format, $12 state
PREPARE settle_link (text, bigint, bigint, bigint, text, text, text, text, text, boolean, integer, bytea) AS
UPDATE calcom.links
SET is_leased = false, fence = fence + 1, begun = 0,
    not_before = statement_timestamp() + $4 * interval '1 microsecond',
    due_at = CASE
        WHEN $3 IS NOT NULL THEN statement_timestamp() + $3 * interval '1 microsecond'
        WHEN EXISTS (
            SELECT FROM calcom.notices
            WHERE kind = 'change' AND fate IS NULL AND tenant = $1 AND appointment = COALESCE($5, links.appointment)
        ) OR EXISTS (
            SELECT FROM calcom.notices
            WHERE kind = 'delivery' AND fate IS NULL AND tenant = $1
              AND booking IN (SELECT name FROM calcom.keys WHERE tenant = $1 AND link = $2 AND kind = 'booking')
        ) OR EXISTS (
            SELECT FROM calcom.notices WHERE kind = 'mark' AND tenant = $1 AND target = $2
        ) THEN statement_timestamp() + COALESCE($4, 0) * interval '1 microsecond'
    END,
    appointment = COALESCE($5, appointment), booking = $6, chain = $7, series = $8, sync_key = $9, is_bare = $10,
    format = $11, state = $12
WHERE tenant = $1 AND id = $2;


-- Absorb: what a bare link holds moves to another one. Both are locked, by lock_links -------------------------------------------

-- Locks the items that the bare link has to do with, by id, before any of their parts: a prune removes items with their parts.
-- $2 the bare link
PREPARE lock_reviews_of (text, bigint) AS
SELECT id FROM calcom.reviews
WHERE tenant = $1 AND (link = $2 OR id IN (SELECT review FROM calcom.review_links WHERE tenant = $1 AND link = $2))
ORDER BY id FOR UPDATE;

-- Closes the open items of the bare link that the other link has too.
-- $2 the bare link, $3 the other, $4 resolution
PREPARE close_twins (text, bigint, bigint, text) AS
UPDATE calcom.reviews
SET resolution = $4, resolved_by = 'calcom', resolved_at = statement_timestamp()
WHERE tenant = $1 AND link = $2 AND resolved_at IS NULL AND EXISTS (
    SELECT FROM calcom.reviews AS twin
    WHERE twin.tenant = $1 AND twin.link = $3 AND twin.cause = reviews.cause AND twin.resolved_at IS NULL
)
RETURNING id, link, appointment, reason;

-- $2 the bare link, $3 the other
PREPARE move_reviews (text, bigint, bigint) AS
UPDATE calcom.reviews SET link = $3 WHERE tenant = $1 AND link = $2;

-- $2 the bare link, $3 the other
PREPARE move_parts (text, bigint, bigint) AS
WITH moved AS (
    DELETE FROM calcom.review_links WHERE tenant = $1 AND link = $2 RETURNING review
)
INSERT INTO calcom.review_links (tenant, review, link) SELECT $1, review, $3 FROM moved ON CONFLICT DO NOTHING;

-- Its uids move; its appointment too, if the other has none ($4); its other keys are free.
-- $2 the bare link, $3 the other, $4 the appointment that the other takes over, or NULL
PREPARE move_keys (text, bigint, bigint, text) AS
UPDATE calcom.keys SET link = $3
WHERE tenant = $1 AND link = $2 AND (kind = 'booking' OR (kind = 'appointment' AND name = $4));

-- $2 the bare link
PREPARE free_keys (text, bigint) AS
DELETE FROM calcom.keys WHERE tenant = $1 AND link = $2;

-- $2 the bare link, $3 the other
PREPARE move_marks (text, bigint, bigint) AS
UPDATE calcom.notices SET target = $3 WHERE kind = 'mark' AND tenant = $1 AND target = $2;

-- $2 the bare link
PREPARE drop_link (text, bigint) AS
DELETE FROM calcom.links WHERE tenant = $1 AND id = $2;

-- $2 the other link, $3 the appointment
PREPARE take_appointment (text, bigint, text) AS
UPDATE calcom.links SET appointment = COALESCE(appointment, $3) WHERE tenant = $1 AND id = $2;

-- $2 link, $3 source, $4 review, $5 instruction
PREPARE mark_link (text, bigint, text, bigint, text) AS
INSERT INTO calcom.notices (kind, tenant, target, source, review, instruction) VALUES ('mark', $1, $2, $3, $4, $5);


-- Looking -----------------------------------------------------------------------------------------------------------------------

-- Links::find. Reads.
-- $2 link
PREPARE find_link (text, bigint) AS
SELECT id, appointment, booking, chain, series, sync_key, is_bare, format, state
FROM calcom.links WHERE tenant = $1 AND id = $2;

-- $2 kind, $3 name
PREPARE find_by_key (text, text, text) AS
SELECT links.id, appointment, booking, chain, series, sync_key, is_bare, format, state
FROM calcom.keys JOIN calcom.links ON links.tenant = keys.tenant AND links.id = keys.link
WHERE keys.tenant = $1 AND keys.kind = $2 AND keys.name = $3;

-- Links::mark: no row comes back: there is no such link. Inserts one row; the foreign key takes a shared lock on the link's key,
-- which no lease, checkpoint or settlement holds up.
-- $2 the key's kind, $3 its name, $4 source
PREPARE mark_by_key (text, text, text, text) AS
INSERT INTO calcom.notices (kind, tenant, target, source)
SELECT 'mark', tenant, link, $4 FROM calcom.keys WHERE tenant = $1 AND kind = $2 AND name = $3
RETURNING id;

-- Links::next_due: how long until something can be claimed; NULL if nothing is due at any time. Walks all tenants that have
-- something due, now or later, a few rows each. Reads.
-- $1 the newest format that the worker reads
PREPARE next_due (integer) AS
WITH RECURSIVE walk (tenant, is_unrouted, format) AS (
    SELECT ''::text COLLATE "C", false, NULL::integer
    UNION ALL
    SELECT next.tenant, next.tenant = notice.tenant, CASE WHEN next.tenant = link.tenant THEN link.format END
    FROM walk
    LEFT JOIN LATERAL (
        SELECT tenant FROM calcom.notices
        WHERE NOT is_routed AND fate IS NULL AND tenant > walk.tenant
        ORDER BY tenant, id LIMIT 1
    ) AS notice ON true
    LEFT JOIN LATERAL (
        SELECT tenant, format FROM calcom.links
        WHERE due_at IS NOT NULL AND tenant > walk.tenant
        ORDER BY tenant, format, due_at, id LIMIT 1
    ) AS link ON true
    CROSS JOIN LATERAL (SELECT LEAST(notice.tenant, link.tenant) AS tenant OFFSET 0) AS next
    WHERE next.tenant IS NOT NULL
)
SELECT GREATEST(0, ceil(extract(epoch FROM min(GREATEST(work.at, hold.not_before)) - statement_timestamp()) * 1000000))::bigint
    AS microseconds
FROM walk
LEFT JOIN calcom.tenants AS hold ON hold.tenant = walk.tenant
CROSS JOIN LATERAL (
    SELECT CASE WHEN hold.paused_by IS NOT NULL THEN NULL WHEN walk.is_unrouted THEN statement_timestamp() ELSE (
        WITH RECURSIVE formats (format) AS (
            SELECT walk.format WHERE walk.format <= $1
            UNION ALL
            SELECT (SELECT links.format FROM calcom.links
                    WHERE tenant = walk.tenant AND due_at IS NOT NULL AND links.format > formats.format
                    ORDER BY tenant, links.format, due_at, id LIMIT 1)
            FROM formats WHERE formats.format < $1
        )
        SELECT min((
            SELECT due_at FROM calcom.links
            WHERE tenant = walk.tenant AND format = formats.format AND due_at IS NOT NULL
            ORDER BY tenant, format, due_at, id LIMIT 1
        ))
        FROM formats WHERE formats.format <= $1
    ) END AS at
    OFFSET 0
) AS work
WHERE work.at IS NOT NULL
HAVING count(*) > 0;

-- SyncLog::log. Reads.
-- $2 after, $3 limit
PREPARE read_log (text, bigint, bigint) AS
SELECT id, at, link, appointment, event FROM calcom.log WHERE tenant = $1 AND id > $2 ORDER BY tenant, id LIMIT $3;


-- Review items and tenants ------------------------------------------------------------------------------------------------------
--
-- Reviews::resolve: lock_tenant, lock_review (no row: NotFound; resolved: Conflict; the pause's own item and no retry: Invalid),
-- close_review, append_log, resume_tenant if it was the pause's own, mark_parts unless it is dismissed, review.
--
-- Tenants::resume: lock_tenant, resume_tenant (no row: nothing was paused or held), close_pause, append_log.

-- Reads.
-- $2 after, $3 limit
PREPARE open_reviews (text, bigint, bigint) AS
SELECT id, link, appointment, cause, reason, ends, evidence, count, opened_at, updated_at,
    (SELECT count(*) FROM calcom.review_links AS part WHERE part.tenant = $1 AND part.review = reviews.id) AS links
FROM calcom.reviews WHERE tenant = $1 AND resolved_at IS NULL AND id > $2 ORDER BY tenant, id LIMIT $3;

-- Reads.
-- $2 review
PREPARE review (text, bigint) AS
SELECT id, link, appointment, cause, reason, ends, evidence, count, opened_at, updated_at,
    resolution, resolved_by, resolved_at, outcome,
    (SELECT count(*) FROM calcom.review_links AS part WHERE part.tenant = $1 AND part.review = reviews.id) AS links
FROM calcom.reviews WHERE tenant = $1 AND id = $2;

-- Reviews::reviews. Reads. What is NULL is not asked for; ages are microseconds. An adapter prepares it once for each of the
-- indexes that can answer: by appointment, open, by reason, or all of the tenant's.
-- $2 open or not, $3 reason, $4 older than, $5 within, $6 appointment, $7 after, $8 limit
PREPARE filtered_reviews (text, boolean, text, bigint, bigint, text, bigint, bigint) AS
SELECT id, link, appointment, cause, reason, ends, evidence, count, opened_at, updated_at,
    resolution, resolved_by, resolved_at, outcome,
    (SELECT count(*) FROM calcom.review_links AS part WHERE part.tenant = $1 AND part.review = reviews.id) AS links
FROM calcom.reviews
WHERE tenant = $1 AND id > $7
  AND ($2 IS NULL OR (resolved_at IS NULL) = $2) AND ($3 IS NULL OR reason = $3)
  AND ($4 IS NULL OR opened_at < statement_timestamp() - $4 * interval '1 us')
  AND ($5 IS NULL OR opened_at >= statement_timestamp() - $5 * interval '1 us')
  AND ($6 IS NULL OR id IN (
    SELECT part.review FROM calcom.keys JOIN calcom.review_links AS part ON part.tenant = keys.tenant AND part.link = keys.link
    WHERE keys.tenant = $1 AND keys.kind = 'appointment' AND keys.name = $6))
ORDER BY tenant, id LIMIT $8;

-- Reviews::count_reviews. Reads.
-- $2 open or not, $3 reason, $4 older than, $5 within, $6 appointment
PREPARE count_reviews (text, boolean, text, bigint, bigint, text) AS
SELECT reason, count(*) AS items, min(opened_at) AS oldest
FROM calcom.reviews
WHERE tenant = $1
  AND ($2 IS NULL OR (resolved_at IS NULL) = $2) AND ($3 IS NULL OR reason = $3)
  AND ($4 IS NULL OR opened_at < statement_timestamp() - $4 * interval '1 us')
  AND ($5 IS NULL OR opened_at >= statement_timestamp() - $5 * interval '1 us')
  AND ($6 IS NULL OR id IN (
    SELECT part.review FROM calcom.keys JOIN calcom.review_links AS part ON part.tenant = keys.tenant AND part.link = keys.link
    WHERE keys.tenant = $1 AND keys.kind = 'appointment' AND keys.name = $6))
GROUP BY reason ORDER BY reason COLLATE "C";

-- $2 review
PREPARE lock_review (text, bigint) AS
SELECT id, link, appointment, reason, resolved_at IS NOT NULL AS is_resolved,
    link IS NULL AND COALESCE(cause = (SELECT paused_by FROM calcom.tenants WHERE tenant = $1), false) AS is_pause
FROM calcom.reviews WHERE tenant = $1 AND id = $2 FOR UPDATE;

-- $2 review, $3 resolution, $4 by
PREPARE close_review (text, bigint, text, text) AS
UPDATE calcom.reviews SET resolution = $3, resolved_by = $4, resolved_at = statement_timestamp()
WHERE tenant = $1 AND id = $2;

-- $2 review, $3 instruction
PREPARE mark_parts (text, bigint, text) AS
INSERT INTO calcom.notices (kind, tenant, target, source, review, instruction)
SELECT 'mark', $1, link, 'instruction', $2, $3 FROM calcom.review_links WHERE tenant = $1 AND review = $2 ORDER BY link;

-- Reads.
PREPARE is_paused (text) AS
SELECT EXISTS (SELECT FROM calcom.tenants WHERE tenant = $1 AND paused_by IS NOT NULL) AS is_paused;

PREPARE resume_tenant (text) AS
DELETE FROM calcom.tenants WHERE tenant = $1 RETURNING paused_by;

-- $2 the cause that resume_tenant gave back, $3 resolution
PREPARE close_pause (text, text, text) AS
UPDATE calcom.reviews SET resolution = $3, resolved_by = 'calcom', resolved_at = statement_timestamp()
WHERE tenant = $1 AND link IS NULL AND cause = $2 AND resolved_at IS NULL
RETURNING id, link, appointment, reason;


-- Upkeep::prune: each statement is a transaction of its own, of all tenants; takes only rows that are free ----------------------
--
-- $1 older than, $2 limit

PREPARE prune_changes (bigint, bigint) AS
DELETE FROM calcom.notices WHERE id = ANY (ARRAY (
    SELECT id FROM calcom.notices
    WHERE kind = 'change' AND fate IS NOT NULL AND settled_at < statement_timestamp() - $1 * interval '1 microsecond'
    ORDER BY settled_at LIMIT $2 FOR UPDATE SKIP LOCKED
));

PREPARE prune_deliveries (bigint, bigint) AS
DELETE FROM calcom.notices WHERE id = ANY (ARRAY (
    SELECT id FROM calcom.notices
    WHERE kind = 'delivery' AND fate IS NOT NULL AND settled_at < statement_timestamp() - $1 * interval '1 microsecond'
    ORDER BY settled_at LIMIT $2 FOR UPDATE SKIP LOCKED
));

-- The row of a body stays.
PREPARE prune_bodies (bigint, bigint) AS
UPDATE calcom.notices SET body = '' WHERE id = ANY (ARRAY (
    SELECT id FROM calcom.notices
    WHERE kind = 'delivery' AND fate IS NOT NULL AND body <> '' AND settled_at < statement_timestamp() - $1 * interval '1 microsecond'
    ORDER BY settled_at LIMIT $2 FOR UPDATE SKIP LOCKED
));

-- The marks of an item's instruction are stored with its resolution, so that an old item gets no new ones.
PREPARE prune_reviews (bigint, bigint) AS
WITH old AS MATERIALIZED (
    SELECT tenant, id FROM calcom.reviews
    WHERE resolved_at < statement_timestamp() - $1 * interval '1 microsecond'
      AND NOT EXISTS (
        SELECT FROM calcom.notices AS mark
        WHERE mark.kind = 'mark' AND mark.tenant = reviews.tenant AND mark.review = reviews.id
      )
    ORDER BY resolved_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM calcom.reviews USING old WHERE reviews.tenant = old.tenant AND reviews.id = old.id;

PREPARE prune_log (bigint, bigint) AS
WITH old AS MATERIALIZED (
    SELECT tenant, id FROM calcom.log
    WHERE at < statement_timestamp() - $1 * interval '1 microsecond'
    ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM calcom.log USING old WHERE log.tenant = old.tenant AND log.id = old.id;


-- Reports -----------------------------------------------------------------------------------------------------------------------
--
-- All of them read. Several statements make one answer, in one transaction under REPEATABLE READ READ ONLY, so that they read one
-- snapshot. Reports::history: the page of each kind of row, merged by time, kind and id. Reports::link_status: find_by_key,
-- queued_link, last_change, count_waiting, open_reviews_of, tenant_state. Reports::work_counts: changes_by_state,
-- deliveries_by_state, count_reviews, links_by_state, oldest_unrouted, tenant_state.

-- $2 appointment, $3 the time and $4 the id after which the page begins, $5 limit
PREPARE history_changes (text, text, timestamptz, bigint, bigint) AS
SELECT id, revision, origin, at, source, fate, taken_at, settled_at
FROM calcom.notices
WHERE kind = 'change' AND tenant = $1 AND appointment = $2 AND (taken_at, id) > ($3, $4)
ORDER BY tenant, appointment, taken_at, id LIMIT $5;

-- $2 link
PREPARE history_deliveries (text, bigint, timestamptz, bigint, bigint) AS
SELECT notices.id, trigger_name, booking, claim, taken_at, source, fate, settled_at
FROM calcom.keys JOIN calcom.notices ON notices.tenant = keys.tenant AND notices.booking = keys.name
WHERE keys.tenant = $1 AND keys.link = $2 AND keys.kind = 'booking'
  AND notices.kind = 'delivery' AND (notices.taken_at, notices.id) > ($3, $4)
ORDER BY notices.taken_at, notices.id LIMIT $5;

-- $2 appointment
PREPARE history_log (text, text, timestamptz, bigint, bigint) AS
SELECT id, at, link, appointment, event
FROM calcom.log WHERE tenant = $1 AND appointment = $2 AND (at, id) > ($3, $4)
ORDER BY tenant, appointment, at, id LIMIT $5;

-- From before the link had its appointment.
-- $2 link
PREPARE history_log_of_link (text, bigint, timestamptz, bigint, bigint) AS
SELECT id, at, link, appointment, event
FROM calcom.log WHERE tenant = $1 AND link = $2 AND appointment IS NULL AND (at, id) > ($3, $4)
ORDER BY tenant, link, at, id LIMIT $5;

-- $2 link
PREPARE history_reviews (text, bigint, timestamptz, bigint, bigint) AS
SELECT reviews.id, reviews.link, appointment, cause, reason, ends, evidence, count, opened_at, updated_at,
    resolution, resolved_by, resolved_at, outcome,
    (SELECT count(*) FROM calcom.review_links AS other WHERE other.tenant = $1 AND other.review = reviews.id) AS links
FROM calcom.review_links AS part JOIN calcom.reviews ON reviews.tenant = part.tenant AND reviews.id = part.review
WHERE part.tenant = $1 AND part.link = $2 AND (opened_at, reviews.id) > ($3, $4)
ORDER BY opened_at, reviews.id LIMIT $5;

-- $2 link
PREPARE queued_link (text, bigint) AS
SELECT due_at, is_leased, begun FROM calcom.links WHERE tenant = $1 AND id = $2;

-- $2 appointment
PREPARE last_change (text, text) AS
SELECT id, revision, origin, at, source, fate
FROM calcom.notices WHERE kind = 'change' AND tenant = $1 AND appointment = $2
ORDER BY tenant DESC, appointment DESC, taken_at DESC, id DESC LIMIT 1;

-- $2 appointment, $3 link
PREPARE count_waiting (text, text, bigint) AS
SELECT
    (SELECT count(*) FROM calcom.notices WHERE kind = 'change' AND fate IS NULL AND tenant = $1 AND appointment = $2) AS changes,
    (SELECT count(*) FROM calcom.notices WHERE kind = 'delivery' AND fate IS NULL AND tenant = $1
        AND booking IN (SELECT name FROM calcom.keys WHERE tenant = $1 AND link = $3 AND kind = 'booking')) AS deliveries,
    (SELECT count(*) FROM calcom.notices WHERE kind = 'mark' AND tenant = $1 AND target = $3) AS marks;

-- $2 link
PREPARE open_reviews_of (text, bigint) AS
SELECT reviews.id, reviews.link, appointment, cause, reason, ends, evidence, count, opened_at, updated_at,
    (SELECT count(*) FROM calcom.review_links AS other WHERE other.tenant = $1 AND other.review = reviews.id) AS links
FROM calcom.review_links AS part JOIN calcom.reviews ON reviews.tenant = part.tenant AND reviews.id = part.review
WHERE part.tenant = $1 AND part.link = $2 AND resolved_at IS NULL ORDER BY reviews.id;

PREPARE tenant_state (text) AS
SELECT paused_by IS NOT NULL AS is_paused, not_before, statement_timestamp() AS now FROM calcom.tenants WHERE tenant = $1;

-- Two ranges: what waits, and what was settled within the span. Waits are microseconds.
-- $2 how far back
PREPARE changes_by_state (text, bigint) AS
SELECT origin, fate, count(*) AS changes,
    max(extract(epoch FROM COALESCE(settled_at, statement_timestamp()) - taken_at) * 1000000)::bigint AS longest,
    avg(extract(epoch FROM COALESCE(settled_at, statement_timestamp()) - taken_at) * 1000000)::bigint AS mean
FROM (
    SELECT origin, fate, settled_at, taken_at FROM calcom.notices WHERE kind = 'change' AND fate IS NULL AND tenant = $1
    UNION ALL
    SELECT origin, fate, settled_at, taken_at FROM calcom.notices
    WHERE kind = 'change' AND fate IS NOT NULL AND tenant = $1 AND settled_at >= statement_timestamp() - $2 * interval '1 us'
) AS own
GROUP BY origin, fate;

-- $2 how far back
PREPARE deliveries_by_state (text, bigint) AS
SELECT source, fate, count(*) AS deliveries,
    max(extract(epoch FROM COALESCE(settled_at, statement_timestamp()) - taken_at) * 1000000)::bigint AS longest,
    avg(extract(epoch FROM COALESCE(settled_at, statement_timestamp()) - taken_at) * 1000000)::bigint AS mean
FROM (
    SELECT source, fate, settled_at, taken_at FROM calcom.notices WHERE kind = 'delivery' AND fate IS NULL AND tenant = $1
    UNION ALL
    SELECT source, fate, settled_at, taken_at FROM calcom.notices
    WHERE kind = 'delivery' AND fate IS NOT NULL AND tenant = $1 AND settled_at >= statement_timestamp() - $2 * interval '1 us'
) AS own
GROUP BY source, fate;

PREPARE links_by_state (text) AS
SELECT count(*) FILTER (WHERE is_leased) AS leased,
    count(*) FILTER (WHERE NOT is_leased AND due_at <= statement_timestamp()) AS due,
    count(*) FILTER (WHERE NOT is_leased AND due_at > statement_timestamp()) AS later,
    min(due_at) FILTER (WHERE NOT is_leased AND due_at <= statement_timestamp()) AS oldest
FROM calcom.links WHERE tenant = $1 AND due_at IS NOT NULL;

PREPARE oldest_unrouted (text) AS
SELECT taken_at FROM calcom.notices WHERE tenant = $1 AND NOT is_routed AND fate IS NULL ORDER BY tenant, id LIMIT 1;


-- Erasure -----------------------------------------------------------------------------------------------------------------------
--
-- Erasure::erase_tenant: one transaction a call: lock_tenant, pause_for_erasure, void_leases, erase_sweep; then at most $2 rows of
-- each kind, those that others name after those that name them: erase_changes, erase_deliveries, erase_marks, erase_parts,
-- erase_keys, erase_log, erase_appointments; erase_reviews once the marks, parts and keys are gone, erase_links once the reviews
-- are; and forget_tenant in a call that found nothing else. A claim that chose the tenant before the pause was stored may lease a
-- link after it: the next call makes that lease void too.

PREPARE pause_for_erasure (text) AS
INSERT INTO calcom.tenants (tenant, paused_by) VALUES ($1, 'erasure')
ON CONFLICT (tenant) DO UPDATE SET paused_by = excluded.paused_by;

PREPARE void_leases (text) AS
UPDATE calcom.links SET is_leased = false, fence = fence + 1 WHERE tenant = $1 AND due_at IS NOT NULL AND is_leased;

PREPARE erase_sweep (text) AS DELETE FROM calcom.sweeps WHERE tenant = $1;

-- $2 limit
PREPARE erase_changes (text, bigint) AS
DELETE FROM calcom.notices WHERE id = ANY (ARRAY (
    SELECT id FROM calcom.notices WHERE tenant = $1 AND kind = 'change' LIMIT $2));

PREPARE erase_deliveries (text, bigint) AS
DELETE FROM calcom.notices WHERE id = ANY (ARRAY (
    SELECT id FROM calcom.notices WHERE tenant = $1 AND kind = 'delivery' LIMIT $2));

PREPARE erase_marks (text, bigint) AS
DELETE FROM calcom.notices WHERE id = ANY (ARRAY (
    SELECT id FROM calcom.notices WHERE tenant = $1 AND kind = 'mark' LIMIT $2));

PREPARE erase_parts (text, bigint) AS
DELETE FROM calcom.review_links WHERE (tenant, review, link) IN (
    SELECT tenant, review, link FROM calcom.review_links WHERE tenant = $1 LIMIT $2);

PREPARE erase_keys (text, bigint) AS
DELETE FROM calcom.keys WHERE (tenant, kind, name) IN (
    SELECT tenant, kind, name FROM calcom.keys WHERE tenant = $1 LIMIT $2);

PREPARE erase_reviews (text, bigint) AS
DELETE FROM calcom.reviews WHERE (tenant, id) IN (SELECT tenant, id FROM calcom.reviews WHERE tenant = $1 LIMIT $2);

PREPARE erase_links (text, bigint) AS
DELETE FROM calcom.links WHERE (tenant, id) IN (SELECT tenant, id FROM calcom.links WHERE tenant = $1 LIMIT $2);

PREPARE erase_log (text, bigint) AS
DELETE FROM calcom.log WHERE (tenant, id) IN (SELECT tenant, id FROM calcom.log WHERE tenant = $1 LIMIT $2);

PREPARE erase_appointments (text, bigint) AS
DELETE FROM calcom.appointments WHERE (tenant, id) IN (SELECT tenant, id FROM calcom.appointments WHERE tenant = $1 LIMIT $2);

PREPARE forget_tenant (text) AS DELETE FROM calcom.tenants WHERE tenant = $1;

-- Erasure::links. Reads.
-- $2 after, $3 limit
PREPARE links_page (text, bigint, bigint) AS
SELECT id, appointment, booking, chain, series, sync_key, is_bare, format, state
FROM calcom.links WHERE tenant = $1 AND id > $2 ORDER BY tenant, id LIMIT $3;

-- Erasure::replace_state. No row: find_link tells Conflict from NotFound.
-- $2 link, $3 state, $4 its format, $5 the state that was read, $6 its format
PREPARE replace_state (text, bigint, bytea, integer, bytea, integer) AS
UPDATE calcom.links SET state = $3, format = $4
WHERE tenant = $1 AND id = $2 AND NOT is_leased AND state IS NOT DISTINCT FROM $5 AND format = $6;

-- Erasure::bodies. Reads.
-- $2 after, $3 limit
PREPARE bodies (text, bigint, bigint) AS
SELECT id, booking, body FROM calcom.notices
WHERE kind = 'delivery' AND tenant = $1 AND id > $2 AND body <> '' ORDER BY tenant, id LIMIT $3;

-- Erasure::empty_bodies.
-- $2 deliveries
PREPARE empty_bodies (text, bigint[]) AS
UPDATE calcom.notices SET body = '' WHERE id = ANY ($2) AND tenant = $1 AND kind = 'delivery';

-- Erasure::replace_evidence. No row: NotFound.
-- $2 review, $3 evidence
PREPARE replace_evidence (text, bigint, text) AS
UPDATE calcom.reviews SET evidence = $3 WHERE tenant = $1 AND id = $2;


-- Sweeps ------------------------------------------------------------------------------------------------------------------------
--
-- Each is one statement, on the tenant's one row. Sweeps::begin_sweep: sweep_is_early, and only if it is not, begin_sweep; no
-- row: somebody else was faster. The others: no row was updated: LeaseLost.

-- Reads. No lock, for it is too early nearly always.
-- $2 the time between two sweeps
PREPARE sweep_is_early (text, bigint) AS
SELECT EXISTS (
    SELECT FROM calcom.sweeps WHERE tenant = $1 AND NOT CASE WHEN leased_until IS NOT NULL
        THEN leased_until <= statement_timestamp()
        ELSE COALESCE(rest_until <= statement_timestamp(), true)
            AND COALESCE(ended_at <= statement_timestamp() - $2 * interval '1 us', true) END
) AS is_early;

-- $2 the time between two sweeps, $3 lease
PREPARE begin_sweep (text, bigint, bigint) AS
INSERT INTO calcom.sweeps AS known (tenant, leased_until) VALUES ($1, statement_timestamp() + $3 * interval '1 us')
ON CONFLICT (tenant) DO UPDATE SET fence = known.fence + 1, leased_until = excluded.leased_until
WHERE CASE WHEN known.leased_until IS NOT NULL
    THEN known.leased_until <= statement_timestamp()
    ELSE COALESCE(known.rest_until <= statement_timestamp(), true)
        AND COALESCE(known.ended_at <= statement_timestamp() - $2 * interval '1 us', true) END
RETURNING fence, format, cursor, statement_timestamp() AS now;

-- $2 fence, $3 cursor, $4 its format, $5 how much longer
PREPARE advance_sweep (text, bigint, bytea, integer, bigint) AS
UPDATE calcom.sweeps SET cursor = $3, format = $4,
    leased_until = GREATEST(leased_until, statement_timestamp() + $5 * interval '1 us')
WHERE tenant = $1 AND fence = $2 AND leased_until IS NOT NULL;

-- $2 fence, $3 cursor, $4 its format, $5 rest
PREPARE end_sweep (text, bigint, bytea, integer, bigint) AS
UPDATE calcom.sweeps SET cursor = $3, format = $4, leased_until = NULL, ended_at = statement_timestamp(),
    rest_until = statement_timestamp() + $5 * interval '1 us'
WHERE tenant = $1 AND fence = $2 AND leased_until IS NOT NULL;


-- AppointmentRepository, for a host that has no table of its own ----------------------------------------------------------------
--
-- create_for_booking: BEGIN, insert_for_booking, and if a row came back record_change, else find_by_chain; COMMIT.
-- update: BEGIN, update_appointment, and if a row came back record_change, else get_appointment: there is a row: Conflict,
-- there is none: NotFound; COMMIT. It waits for a host's open transaction that wrote the same appointment, as long as lock_timeout says.

-- Reads.
-- $2 appointment
PREPARE get_appointment (text, text) AS
SELECT id, revision, origin, state, chain, updated_at FROM calcom.appointments WHERE tenant = $1 AND id = $2;

-- Reads. $4 and $5 are the last row that was read, or NULL.
-- $2 from, $3 until, $4 start, $5 appointment, $6 limit
PREPARE scan_appointments (text, timestamptz, timestamptz, timestamptz, text, bigint) AS
SELECT id, revision, origin, state, chain, updated_at, start_at
FROM calcom.appointments
WHERE tenant = $1 AND start_at >= $2 AND start_at < $3
  AND (start_at, id) > (COALESCE($4, '-infinity'), COALESCE($5, ''))
ORDER BY tenant, start_at, id LIMIT $6;

-- Of two at once, the second waits for the first to commit and gets no row back.
-- $2 chain, $3 origin, $4 state, $5 start, $6 the host's time
PREPARE insert_for_booking (text, text, text, text, timestamptz, timestamptz) AS
INSERT INTO calcom.appointments (tenant, id, revision, origin, state, start_at, chain, updated_at)
VALUES ($1, 'calcom-' || nextval('calcom.appointments_number'), 1, $3, $4, $5, $2, $6)
ON CONFLICT (tenant, chain) WHERE chain IS NOT NULL DO NOTHING
RETURNING id, revision, origin, state, chain, updated_at;

-- A statement of its own after insert_for_booking, so that it sees what that one waited for.
-- $2 chain
PREPARE find_by_chain (text, text) AS
SELECT id, revision, origin, state, chain, updated_at FROM calcom.appointments WHERE tenant = $1 AND chain = $2;

-- $2 appointment, $3 the expected revision, $4 origin, $5 state, $6 start, $7 the host's time
PREPARE update_appointment (text, text, bigint, text, text, timestamptz, timestamptz) AS
UPDATE calcom.appointments
SET revision = revision + 1, origin = $4, state = $5, start_at = $6, updated_at = $7
WHERE tenant = $1 AND id = $2 AND revision = $3
RETURNING id, revision, origin, state, chain, updated_at;


-- Services: the books ------------------------------------------------------------------------------------------------------------
--
-- ServiceLinks::begin_service_sync: service_sync_is_early, and only if it is not, begin_service_sync; no row: somebody else was
-- faster. store_service_link: BEGIN, prolong_service_sync, which locks the tenant's row until the end; no row was updated:
-- LeaseLost; then insert_service_link or replace_service_link, no row of the latter: NotFound; COMMIT. end_service_sync: no row was
-- updated: LeaseLost.

-- Reads. No lock, for it is too early nearly always.
-- $2 the time between two syncs
PREPARE service_sync_is_early (text, bigint) AS
SELECT EXISTS (
    SELECT FROM calcom.service_syncs WHERE tenant = $1 AND NOT CASE WHEN leased_until IS NOT NULL
        THEN leased_until <= statement_timestamp()
        ELSE COALESCE(rest_until <= statement_timestamp(), true)
            AND (COALESCE(ended_at <= statement_timestamp() - $2 * interval '1 us', true)
                OR COALESCE(retry_at <= statement_timestamp(), false)) END
) AS is_early;

-- $2 the time between two syncs, $3 lease
PREPARE begin_service_sync (text, bigint, bigint) AS
INSERT INTO calcom.service_syncs AS known (tenant, leased_until) VALUES ($1, statement_timestamp() + $3 * interval '1 us')
ON CONFLICT (tenant) DO UPDATE SET fence = known.fence + 1, leased_until = excluded.leased_until
WHERE CASE WHEN known.leased_until IS NOT NULL
    THEN known.leased_until <= statement_timestamp()
    ELSE COALESCE(known.rest_until <= statement_timestamp(), true)
        AND (COALESCE(known.ended_at <= statement_timestamp() - $2 * interval '1 us', true)
            OR COALESCE(known.retry_at <= statement_timestamp(), false)) END
RETURNING fence, statement_timestamp() AS now;

-- $2 fence, $3 how much longer
PREPARE prolong_service_sync (text, bigint, bigint) AS
UPDATE calcom.service_syncs SET leased_until = GREATEST(leased_until, statement_timestamp() + $3 * interval '1 us')
WHERE tenant = $1 AND fence = $2 AND leased_until IS NOT NULL;

-- $2 fence, $3 when an attempt is to be repeated, or NULL, $4 rest
PREPARE end_service_sync (text, bigint, bigint, bigint) AS
UPDATE calcom.service_syncs SET leased_until = NULL, ended_at = statement_timestamp(),
    retry_at = statement_timestamp() + $3 * interval '1 us', rest_until = statement_timestamp() + $4 * interval '1 us'
WHERE tenant = $1 AND fence = $2 AND leased_until IS NOT NULL;

-- Reads.
-- $2 the last row that was read, or NULL, $3 limit
PREPARE service_links (text, bigint, bigint) AS
SELECT id, service, event_type, status, attempts, last_error, next_attempt, updated_at, format, state
FROM calcom.service_links WHERE tenant = $1 AND id > COALESCE($2, 0) ORDER BY tenant, id LIMIT $3;

-- $2 service, $3 event type, $4 status, $5 attempts, $6 error, $7 when it is to be repeated, or NULL, $8 format, $9 state
PREPARE insert_service_link (text, text, bigint, text, bigint, text, bigint, integer, bytea) AS
INSERT INTO calcom.service_links
    (tenant, service, event_type, status, attempts, last_error, next_attempt, updated_at, format, state)
VALUES ($1, $2, $3, $4, $5, $6, statement_timestamp() + $7 * interval '1 us', statement_timestamp(), $8, $9)
RETURNING id;

-- As insert_service_link; $10 the row
PREPARE replace_service_link (text, text, bigint, text, bigint, text, bigint, integer, bytea, bigint) AS
UPDATE calcom.service_links SET service = $2, event_type = $3, status = $4, attempts = $5, last_error = $6,
    next_attempt = statement_timestamp() + $7 * interval '1 us', updated_at = statement_timestamp(), format = $8, state = $9
WHERE tenant = $1 AND id = $10
RETURNING id;


-- ServiceRepository, for a host that has no table of its own ---------------------------------------------------------------------
--
-- create_for_event_type: BEGIN, lock_tenant, find_service_of, and if there is none, insert_service; COMMIT. The lock, because an
-- index that allows one service an event type would refuse the host's mistakes, which are to be reported.
-- update_service: update_service; no row: get_service tells Conflict from NotFound.

-- Reads.
-- $2 service
PREPARE get_service (text, text) AS
SELECT id, revision, name, length_in_minutes, description, is_active, event_type, updated_at
FROM calcom.services WHERE tenant = $1 AND id = $2;

-- Reads.
-- $2 the last one that was read, or NULL, $3 limit
PREPARE services_page (text, text, bigint) AS
SELECT id, revision, name, length_in_minutes, description, is_active, event_type, updated_at
FROM calcom.services WHERE tenant = $1 AND id > COALESCE($2, '') ORDER BY tenant, id LIMIT $3;

-- $2 event type
PREPARE find_service_of (text, bigint) AS
SELECT id, revision, name, length_in_minutes, description, is_active, event_type, updated_at
FROM calcom.services WHERE tenant = $1 AND event_type = $2 ORDER BY id LIMIT 1;

-- $2 name, $3 length, $4 description, $5 whether it is offered, $6 event type, $7 the host's time
PREPARE insert_service (text, text, bigint, text, boolean, bigint, timestamptz) AS
INSERT INTO calcom.services (tenant, id, revision, name, length_in_minutes, description, is_active, event_type, updated_at)
VALUES ($1, 'calcom-' || nextval('calcom.services_number'), 1, $2, $3, $4, $5, $6, $7)
RETURNING id, revision, name, length_in_minutes, description, is_active, event_type, updated_at;

-- $2 service, $3 the expected revision, $4 name, $5 length, $6 description, $7 whether it is offered, $8 event type, $9 the host's
-- time
PREPARE update_service (text, text, bigint, text, bigint, text, boolean, bigint, timestamptz) AS
UPDATE calcom.services
SET revision = revision + 1, name = $4, length_in_minutes = $5, description = $6, is_active = $7, event_type = $8, updated_at = $9
WHERE tenant = $1 AND id = $2 AND revision = $3
RETURNING id, revision, name, length_in_minutes, description, is_active, event_type, updated_at;
