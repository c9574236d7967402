-- The three statements of a turn: claiming a link, storing how far the work on it has come, and storing its outcome. Each is one
-- function, and so one round trip and one transaction.
--
-- A function is not changed once it was released: a later version of the crate adds one of another name, and leaves this one to the
-- workers of the version before, which may still run.
--
-- Within a function every statement sees what was committed before it began, and so a lock is a statement of its own here, too.
-- statement_timestamp() is the beginning of the call, which may have waited for a lock since; so the time is read anew after one.
-- The order of locks is the tenant's, then links by id.

-- A row of what a claim returns; part says which of the columns are meant. A link's revision is the lowest that was recorded for its
-- appointment.
CREATE TYPE turn AS (
    part         text,
    id           bigint,
    tenant       text,
    appointment  text,
    booking      text,
    chain        text,
    series       text,
    sync_key     text,
    is_bare      boolean,
    state        bytea,
    format       integer,
    fence        bigint,
    marks        bigint,
    begun        bigint,
    now          timestamptz,
    revision     bigint,
    origin       text,
    at           timestamptz,
    source       text,
    fate         text,
    trigger_name text,
    claim        text,
    taken_at     timestamptz,
    review       bigint,
    reason       text,
    resolution   text,
    resolved_by  text
);

-- Waits for the tenant's lock, which is held until the transaction ends.
CREATE FUNCTION lock_tenant(p_tenant text) RETURNS void LANGUAGE sql VOLATILE AS
    'SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ''.'' || p_tenant, 0))';

-- Takes the tenant's lock if nobody has it.
CREATE FUNCTION try_lock_tenant(p_tenant text) RETURNS boolean LANGUAGE sql VOLATILE AS
    'SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ''.'' || p_tenant, 0))';

-- The next tenant that has work and is neither paused nor held, after p_after in the order of names and around; and whether what it
-- has unrouted was taken in before what is due. Walks from tenant to tenant by the partial indexes of what is unrouted and of what is
-- due, a few rows each, whatever waits there: the first row after a tenant names the next one, and is its first.
CREATE FUNCTION next_turn(p_after text, p_format integer, p_now timestamptz, OUT tenant text, OUT routes boolean)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
BEGIN
    WITH RECURSIVE walk (lap, tenant, is_found, routes) AS (
        SELECT CASE WHEN p_after IS NULL THEN 1 ELSE 0 END, COALESCE(p_after, '') COLLATE "C", false, false
        UNION ALL
        SELECT
            CASE WHEN next.tenant IS NULL THEN 1 ELSE walk.lap END,
            COALESCE(next.tenant, ''),
            next.can_go AND (next.taken_at IS NOT NULL OR due.at IS NOT NULL),
            next.taken_at IS NOT NULL AND (due.at IS NULL OR next.taken_at <= due.at)
        FROM walk
        LEFT JOIN LATERAL (
            SELECT tenant, taken_at FROM notices
            WHERE NOT is_routed AND fate IS NULL AND tenant > walk.tenant
            ORDER BY tenant, id LIMIT 1
        ) AS notice ON true
        LEFT JOIN LATERAL (
            SELECT tenant, format FROM links
            WHERE due_at IS NOT NULL AND tenant > walk.tenant
            ORDER BY tenant, format, due_at, id LIMIT 1
        ) AS link ON true
        CROSS JOIN LATERAL (
            SELECT least.tenant,
                CASE WHEN notice.tenant = least.tenant THEN notice.taken_at END AS taken_at,
                CASE WHEN link.tenant = least.tenant THEN link.format END AS format,
                COALESCE((
                    SELECT paused_by IS NULL AND (not_before IS NULL OR not_before <= p_now)
                    FROM tenants WHERE tenant = least.tenant
                ), true) AS can_go
            FROM (SELECT LEAST(notice.tenant, link.tenant) AS tenant) AS least
            OFFSET 0
        ) AS next
        LEFT JOIN LATERAL (
            WITH RECURSIVE formats (format) AS (
                SELECT next.format WHERE next.can_go AND next.format <= p_format
                UNION ALL
                SELECT (SELECT links.format FROM links
                        WHERE tenant = next.tenant AND due_at IS NOT NULL AND links.format > formats.format
                        ORDER BY tenant, links.format, due_at, id LIMIT 1)
                FROM formats WHERE formats.format < p_format
            )
            SELECT first.due_at AS at
            FROM formats CROSS JOIN LATERAL (
                SELECT due_at FROM links
                WHERE tenant = next.tenant AND format = formats.format AND due_at <= p_now
                ORDER BY tenant, format, due_at, id LIMIT 1
            ) AS first
            WHERE formats.format <= p_format
            ORDER BY first.due_at LIMIT 1
        ) AS due ON true
        WHERE NOT walk.is_found
          AND (walk.lap = 0 OR (next.tenant IS NOT NULL AND (p_after IS NULL OR next.tenant <= p_after)))
    )
    SELECT walk.tenant, walk.routes INTO next_turn.tenant, next_turn.routes FROM walk WHERE walk.is_found;
END
$$;

-- Whether something was taken in before the work that is due became due. Of what was taken in at the very instant at which that
-- became due, one batch is enough.
CREATE FUNCTION routes_first(p_tenant text, p_format integer, p_now timestamptz, p_has_routed boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    taken timestamptz;
    due timestamptz;
BEGIN
    -- The tenant is compared twice, as the planner would otherwise take the order by id for enough and walk the primary key.
    taken := (
        SELECT taken_at FROM notices
        WHERE tenant >= p_tenant AND tenant <= p_tenant AND NOT is_routed AND fate IS NULL
        ORDER BY tenant, id LIMIT 1
    );
    IF taken IS NULL THEN
        RETURN false;
    END IF;
    WITH RECURSIVE formats (format) AS (
        (SELECT format FROM links
         WHERE tenant = p_tenant AND due_at IS NOT NULL ORDER BY tenant, format, due_at LIMIT 1)
        UNION ALL
        SELECT (SELECT links.format FROM links
                WHERE tenant = p_tenant AND due_at IS NOT NULL AND links.format > formats.format
                ORDER BY tenant, links.format, due_at LIMIT 1)
        FROM formats WHERE formats.format < p_format
    )
    SELECT min(first.due_at) INTO due
    FROM formats CROSS JOIN LATERAL (
        SELECT due_at FROM links
        WHERE tenant = p_tenant AND format = formats.format AND due_at <= p_now
        ORDER BY tenant, format, due_at, id LIMIT 1
    ) AS first
    WHERE formats.format <= p_format;
    RETURN due IS NULL OR taken < due OR (taken = due AND NOT p_has_routed);
END
$$;

-- Gives what the tenant has unrouted to its links, and makes those due: the 64 rows that were taken in first, enough to keep the
-- order, little enough to keep a claim short. Finds or makes the link of each in their order, which is what walk does row by row:
-- owners holds what each key belongs to by then, and a link that is to be made is the number of its first row, negative. A link is
-- made due unless a worker has it: then its settlement does. Returns how many rows. The transaction holds the tenant's lock.
--
-- An upsert finds its row by the unique index, whatever the planner believes of the table.
CREATE FUNCTION route(p_tenant text) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    routed bigint;
BEGIN
    WITH RECURSIVE
    batch AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY id) AS n, first.*
        FROM (
            SELECT id, taken_at, appointment, booking, rescheduled_from, sync_key, target
            FROM notices
            WHERE tenant >= p_tenant AND tenant <= p_tenant AND NOT is_routed AND fate IS NULL
            ORDER BY tenant, id LIMIT 64
        ) AS first
    ),
    known AS (
        SELECT kind || ':' || name AS key, link
        FROM keys
        WHERE tenant = p_tenant AND (kind, name) IN (
            SELECT 'appointment', appointment FROM batch
            UNION SELECT 'booking', booking FROM batch
            UNION SELECT 'booking', rescheduled_from FROM batch
            UNION SELECT 'sync_key', sync_key FROM batch
        )
    ),
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
        SELECT made.link AS n, nextval('links_id_seq') AS id
        FROM (SELECT DISTINCT link FROM walk WHERE link < 0 ORDER BY link DESC) AS made
    ),
    given AS MATERIALIZED (
        SELECT batch.*, COALESCE(numbered.id, walk.link) AS link
        FROM walk JOIN batch USING (n) LEFT JOIN numbered ON numbered.n = walk.link
    ),
    marked AS (
        INSERT INTO links (tenant, id, appointment, booking, due_at, marks)
        OVERRIDING SYSTEM VALUE
        SELECT p_tenant, link, (array_agg(appointment ORDER BY n))[1], (array_agg(booking ORDER BY n))[1], min(taken_at), count(*)
        FROM given GROUP BY link ORDER BY link
        ON CONFLICT (tenant, id) DO UPDATE
        SET marks = links.marks + excluded.marks,
            due_at = CASE WHEN links.is_leased THEN links.due_at
                ELSE LEAST(links.due_at, GREATEST(links.not_before, excluded.due_at)) END
    ),
    owned AS (
        INSERT INTO keys (tenant, kind, name, link)
        SELECT DISTINCT p_tenant, CASE WHEN appointment IS NULL THEN 'booking' ELSE 'appointment' END,
            COALESCE(appointment, booking), link
        FROM given WHERE target IS NULL
        ON CONFLICT (tenant, kind, name) DO NOTHING
    )
    UPDATE notices SET is_routed = true
    FROM given WHERE notices.id = given.id;
    GET DIAGNOSTICS routed = ROW_COUNT;
    RETURN routed;
END
$$;

-- Tries to claim something of one tenant: routes first if that is to be, then leases the link whose work was taken in first. Returns
-- the link and what waits for it; or one row that says what to do instead: call again ('again', so that each batch that is routed is
-- a transaction of its own), or that nothing can be claimed now ('vain', or 'locked' if somebody else routes or settles).
CREATE FUNCTION claim_of(
    p_tenant text, p_format integer, p_lease bigint, p_routes boolean, p_waits boolean, p_has_routed boolean
)
RETURNS SETOF turn
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    routes boolean := p_routes;
    has_routed boolean := p_has_routed;
    is_locked boolean := false;
    at timestamptz;
    claimed links;
    waiting bigint[];
    answer turn;
BEGIN
    answer.tenant := p_tenant;
    LOOP
        IF routes AND p_waits THEN
            PERFORM lock_tenant(p_tenant);
            is_locked := true;
        ELSIF routes THEN
            is_locked := try_lock_tenant(p_tenant);
        END IF;
        at := clock_of_books();
        IF is_locked THEN
            has_routed := true;
            IF route(p_tenant) > 0 AND routes_first(p_tenant, p_format, at, true) THEN
                answer.part := 'again';
                RETURN NEXT answer;
                RETURN;
            END IF;
        END IF;
        -- Locks one link, and only one that is free. The tenant may have been paused since its turn was found.
        UPDATE links
        SET due_at = at + p_lease * interval '1 microsecond', is_leased = true, fence = fence + 1, begun = begun + 1
        WHERE tenant = p_tenant AND id = (
            SELECT id FROM links
            WHERE tenant = p_tenant AND due_at <= at
              AND format = (
                WITH RECURSIVE formats (format) AS (
                    (SELECT format FROM links
                     WHERE tenant = p_tenant AND due_at IS NOT NULL ORDER BY tenant, format, due_at LIMIT 1)
                    UNION ALL
                    SELECT (SELECT links.format FROM links
                            WHERE tenant = p_tenant AND due_at IS NOT NULL AND links.format > formats.format
                            ORDER BY tenant, links.format, due_at LIMIT 1)
                    FROM formats WHERE formats.format < p_format
                )
                SELECT formats.format
                FROM formats CROSS JOIN LATERAL (
                    SELECT due_at, id FROM links
                    WHERE tenant = p_tenant AND format = formats.format AND due_at <= at
                    ORDER BY tenant, format, due_at, id LIMIT 1
                ) AS first
                WHERE formats.format <= p_format
                ORDER BY first.due_at, first.id LIMIT 1
              )
              AND COALESCE((
                SELECT paused_by IS NULL AND (not_before IS NULL OR not_before <= at) FROM tenants WHERE tenant = p_tenant
              ), true)
            ORDER BY tenant, format, due_at, id LIMIT 1
            FOR NO KEY UPDATE SKIP LOCKED
        )
        RETURNING links.* INTO claimed;
        EXIT WHEN FOUND;
        -- Another worker may have been faster, and something may have come.
        IF NOT routes_first(p_tenant, p_format, at, has_routed) THEN
            answer.part := 'vain';
        ELSIF NOT routes THEN
            routes := true;
            CONTINUE;
        ELSIF is_locked THEN
            answer.part := 'again';
        ELSE
            answer.part := 'locked';
        END IF;
        RETURN NEXT answer;
        RETURN;
    END LOOP;

    waiting := ARRAY(
        SELECT id FROM notices
        WHERE kind = 'change' AND fate IS NULL AND tenant = p_tenant AND appointment = claimed.appointment
        UNION ALL
        SELECT id FROM notices
        WHERE kind = 'delivery' AND fate IS NULL AND tenant = p_tenant
          AND booking IN (SELECT name FROM keys WHERE tenant = p_tenant AND link = claimed.id AND kind = 'booking')
        UNION ALL
        SELECT id FROM notices WHERE kind = 'mark' AND tenant = p_tenant AND target = claimed.id
    );
    -- What comes with a claim is no news for its link. A notice that another claim is routing at this moment is left to it: it waits
    -- for the link, which this one has.
    UPDATE notices SET is_routed = true
    WHERE id = ANY (ARRAY(SELECT id FROM notices WHERE id = ANY (waiting) AND NOT is_routed FOR UPDATE SKIP LOCKED));

    answer.part := 'link';
    answer.id := claimed.id;
    answer.appointment := claimed.appointment;
    answer.booking := claimed.booking;
    answer.chain := claimed.chain;
    answer.series := claimed.series;
    answer.sync_key := claimed.sync_key;
    answer.is_bare := claimed.is_bare;
    answer.state := claimed.state;
    answer.format := claimed.format;
    answer.fence := claimed.fence;
    answer.marks := claimed.marks;
    answer.begun := claimed.begun;
    answer.now := at;
    answer.revision := (
        SELECT revision FROM notices WHERE kind = 'change' AND tenant = p_tenant AND appointment = claimed.appointment
        ORDER BY revision LIMIT 1
    );
    RETURN NEXT answer;
    RETURN QUERY
        SELECT n.kind, n.id, n.tenant, n.appointment, n.booking, NULL::text, NULL::text, NULL::text, NULL::boolean, NULL::bytea,
            NULL::integer, NULL::bigint, NULL::bigint, NULL::bigint, NULL::timestamptz, n.revision, n.origin, n.at, n.source, n.fate,
            n.trigger_name, n.claim, n.taken_at, n.review, r.reason, r.resolution, r.resolved_by
        FROM notices n LEFT JOIN reviews r ON r.tenant = n.tenant AND r.id = n.review
        WHERE n.id = ANY (waiting)
        ORDER BY n.id;
END
$$;

-- Claims a link of the next tenant whose turn it is. p_after is the tenant that was served last, p_last the one that was tried last in
-- this round; 'none' if the round is over.
CREATE FUNCTION claim_next(p_after text, p_last text, p_format integer, p_lease bigint)
RETURNS SETOF turn
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    next record;
    answer turn;
BEGIN
    SELECT * INTO next FROM next_turn(COALESCE(p_last, p_after), p_format, clock_of_books());
    -- Where a tenant comes in the round: those after p_after, then those up to it.
    IF next.tenant IS NULL
        OR (COALESCE(next.tenant <= p_after COLLATE "C", false), next.tenant COLLATE "C")
            <= (COALESCE(p_last <= p_after COLLATE "C", false), p_last COLLATE "C")
    THEN
        answer.part := 'none';
        RETURN NEXT answer;
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM claim_of(next.tenant, p_format, p_lease, next.routes, false, false);
END
$$;

-- Makes keys the link's, as far as they are nobody's, and writes lines of the log: each about the link, or about the tenant.
CREATE FUNCTION write_turn(
    p_tenant text, p_id bigint, p_appointment text, p_now timestamptz,
    p_kinds text[], p_names text[], p_log text[], p_is_of_tenant boolean[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO keys (tenant, kind, name, link)
    SELECT DISTINCT p_tenant, key.kind, key.name, p_id FROM unnest(p_kinds, p_names) AS key (kind, name)
    ON CONFLICT (tenant, kind, name) DO NOTHING;
    IF cardinality(p_log) > 0 THEN
        INSERT INTO log (tenant, at, link, appointment, event)
        SELECT p_tenant, p_now, CASE WHEN line.is_of_tenant THEN NULL ELSE p_id END,
            CASE WHEN line.is_of_tenant THEN NULL ELSE p_appointment END, line.event
        FROM unnest(p_log, p_is_of_tenant) WITH ORDINALITY AS line (event, is_of_tenant, n)
        ORDER BY line.n;
    END IF;
END
$$;

-- Locks the link of a lease under the tenant's lock. Returns what stands in the way of storing it: 'lease_lost', 'appointment' if it
-- has another appointment, 'keys' if another link owns one of its keys.
CREATE FUNCTION lock_leased(
    p_tenant text, p_id bigint, p_fence bigint, p_appointment text, p_kinds text[], p_names text[], OUT stored links, OUT obstacle text
)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM lock_tenant(p_tenant);
    SELECT * INTO stored FROM links WHERE tenant = p_tenant AND id = p_id FOR NO KEY UPDATE;
    obstacle := CASE
        WHEN stored.id IS NULL OR stored.fence <> p_fence OR NOT stored.is_leased THEN 'lease_lost'
        WHEN stored.appointment <> p_appointment THEN 'appointment'
        WHEN EXISTS (
            SELECT FROM keys
            WHERE tenant = p_tenant AND (kind, name) IN (SELECT * FROM unnest(p_kinds, p_names)) AND link <> p_id
        ) THEN 'keys'
    END;
END
$$;

-- Stores how far the work on a link has come, and extends its lease. Returns what stands in the way, and stores nothing then.
CREATE FUNCTION checkpoint_link(
    p_tenant text, p_id bigint, p_appointment text, p_booking text, p_chain text, p_series text, p_sync_key text, p_is_bare boolean,
    p_state bytea, p_format integer, p_fence bigint, p_kinds text[], p_names text[], p_log text[], p_lease bigint
)
RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    leased record;
    at timestamptz;
    told text;
BEGIN
    SELECT * INTO leased FROM lock_leased(p_tenant, p_id, p_fence, p_appointment, p_kinds, p_names);
    IF leased.obstacle IS NOT NULL THEN
        RETURN leased.obstacle;
    END IF;
    at := clock_of_books();
    told := COALESCE(p_appointment, (leased.stored).appointment);
    PERFORM write_turn(p_tenant, p_id, told, at, p_kinds, p_names, p_log, array_fill(false, ARRAY[cardinality(p_log)]));
    UPDATE links
    SET appointment = told, booking = p_booking, chain = p_chain, series = p_series, sync_key = p_sync_key, is_bare = p_is_bare,
        state = p_state, format = p_format, due_at = GREATEST(due_at, at + p_lease * interval '1 us')
    WHERE tenant = p_tenant AND id = p_id;
    RETURN NULL;
END
$$;

-- Stores how the changes and deliveries that waited for a link ended, and removes the marks that were heeded. Each id is named once.
-- Fails with SQLSTATE CA001 if a change or a delivery does not wait for the link.
CREATE FUNCTION settle_notices(
    p_tenant text, p_id bigint, p_appointment text, p_now timestamptz,
    p_changes bigint[], p_change_fates text[], p_deliveries bigint[], p_delivery_fates text[], p_marks bigint[]
)
RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    ended bigint;
BEGIN
    IF cardinality(p_changes) > 0 THEN
        UPDATE notices SET fate = told.fate, settled_at = p_now
        FROM unnest(p_changes, p_change_fates) AS told (id, fate)
        WHERE notices.id = told.id AND notices.kind = 'change' AND notices.fate IS NULL
          AND notices.tenant = p_tenant AND notices.appointment = p_appointment;
        GET DIAGNOSTICS ended = ROW_COUNT;
        IF ended <> cardinality(p_changes) THEN
            RAISE EXCEPTION 'a change does not wait for the link' USING ERRCODE = 'CA001';
        END IF;
    END IF;
    IF cardinality(p_deliveries) > 0 THEN
        UPDATE notices SET fate = told.fate, settled_at = p_now
        FROM unnest(p_deliveries, p_delivery_fates) AS told (id, fate)
        WHERE notices.id = told.id AND notices.kind = 'delivery' AND notices.fate IS NULL AND notices.tenant = p_tenant
          AND notices.booking IN (SELECT name FROM keys WHERE tenant = p_tenant AND link = p_id AND kind = 'booking');
        GET DIAGNOSTICS ended = ROW_COUNT;
        IF ended <> cardinality(p_deliveries) THEN
            RAISE EXCEPTION 'a delivery does not wait for the link' USING ERRCODE = 'CA001';
        END IF;
    END IF;
    IF cardinality(p_marks) > 0 THEN
        DELETE FROM notices WHERE kind = 'mark' AND tenant = p_tenant AND target = p_id AND id = ANY (p_marks);
    END IF;
END
$$;

-- Stores the link, ends the lease, and makes the link due: p_wake from now; without it, at once if anything waits; at once, too, if
-- it was marked since it was claimed; but never before p_not_before.
CREATE FUNCTION give_back(
    p_tenant text, p_id bigint, p_appointment text, p_booking text, p_chain text, p_series text, p_sync_key text, p_is_bare boolean,
    p_state bytea, p_format integer, p_now timestamptz, p_is_marked boolean, p_wake bigint, p_not_before bigint
)
RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    held timestamptz := p_now + p_not_before * interval '1 us';
    due timestamptz := GREATEST(held, p_now + CASE WHEN p_is_marked THEN 0 ELSE COALESCE(p_wake, 0) END * interval '1 us');
BEGIN
    IF p_wake IS NULL AND NOT p_is_marked AND NOT is_awaited(p_tenant, p_id, p_appointment) THEN
        due := NULL;
    END IF;
    UPDATE links
    SET appointment = p_appointment, booking = p_booking, chain = p_chain, series = p_series, sync_key = p_sync_key,
        is_bare = p_is_bare, state = p_state, format = p_format,
        is_leased = false, fence = fence + 1, begun = 0, not_before = held, due_at = due
    WHERE tenant = p_tenant AND id = p_id;
END
$$;

-- Whether anything waits for a link.
CREATE FUNCTION is_awaited(p_tenant text, p_id bigint, p_appointment text) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN EXISTS (
            SELECT FROM notices WHERE kind = 'change' AND fate IS NULL AND tenant = p_tenant AND appointment = p_appointment
        ) OR EXISTS (
            SELECT FROM notices
            WHERE kind = 'delivery' AND fate IS NULL AND tenant = p_tenant
              AND booking IN (SELECT name FROM keys WHERE tenant = p_tenant AND link = p_id AND kind = 'booking')
        ) OR EXISTS (
            SELECT FROM notices WHERE kind = 'mark' AND tenant = p_tenant AND target = p_id
        );
END
$$;

-- Marks the other links of a series. They are not locked, only marked; routing makes them due.
CREATE FUNCTION mark_siblings(p_tenant text, p_id bigint, p_series text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO notices (kind, tenant, target, source)
    SELECT 'mark', p_tenant, id, 'sibling' FROM links WHERE tenant = p_tenant AND series = p_series AND id <> p_id ORDER BY id;
END
$$;

-- Stores the outcome of the work on a link that absorbs no other one, and touches no review item. Returns what stands in the way, and
-- stores nothing then: also 'reviews', if the link is to leave (p_leaves_reviews) open items that end with it, or if a cause that is
-- gone (p_gone) has an open item of the tenant.
CREATE FUNCTION settle_link(
    p_tenant text, p_id bigint, p_appointment text, p_booking text, p_chain text, p_series text, p_sync_key text, p_is_bare boolean,
    p_state bytea, p_format integer, p_fence bigint, p_kinds text[], p_names text[], p_log text[], p_is_of_tenant boolean[],
    p_marks_seen bigint, p_changes bigint[], p_change_fates text[], p_deliveries bigint[], p_delivery_fates text[], p_marks bigint[],
    p_wake bigint, p_not_before bigint, p_leaves_reviews boolean, p_gone text[], p_marks_siblings boolean
)
RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    leased record;
    at timestamptz;
    told text;
BEGIN
    SELECT * INTO leased FROM lock_leased(p_tenant, p_id, p_fence, p_appointment, p_kinds, p_names);
    IF leased.obstacle IS NOT NULL THEN
        RETURN leased.obstacle;
    END IF;
    IF p_leaves_reviews AND EXISTS (
        SELECT FROM review_links p JOIN reviews r ON r.tenant = p.tenant AND r.id = p.review
        WHERE p.tenant = p_tenant AND p.link = p_id AND r.resolved_at IS NULL AND r.ends = 'with_links'
    ) OR EXISTS (
        SELECT FROM reviews WHERE tenant = p_tenant AND COALESCE(link, 0) = 0 AND cause = ANY (p_gone) AND resolved_at IS NULL
    ) THEN
        RETURN 'reviews';
    END IF;
    at := clock_of_books();
    told := COALESCE(p_appointment, (leased.stored).appointment);
    PERFORM settle_notices(p_tenant, p_id, told, at, p_changes, p_change_fates, p_deliveries, p_delivery_fates, p_marks);
    PERFORM write_turn(p_tenant, p_id, told, at, p_kinds, p_names, p_log, p_is_of_tenant);
    IF p_marks_siblings AND p_series IS NOT NULL THEN
        PERFORM mark_siblings(p_tenant, p_id, p_series);
    END IF;
    PERFORM give_back(p_tenant, p_id, told, p_booking, p_chain, p_series, p_sync_key, p_is_bare, p_state, p_format, at,
        (leased.stored).marks <> p_marks_seen, p_wake, p_not_before);
    RETURN NULL;
END
$$;

UPDATE meta SET version = 3;
