-- The host's door in SQL: how an application records, in its own transaction and in any language, that an appointment has changed.
--
-- A door inserts into notices, has no foreign key to check and takes no lock. It waits only for an open transaction that has
-- recorded the same revision of the same appointment. The workers are notified when the transaction commits.
--
-- The functions run with the rights of their owner, so that an application needs no more than USAGE on the schema. They resolve
-- names in this schema only, whatever the search_path of the caller or of this migration is; pg_temp is named so that it comes last.

SELECT set_config('calcom.search_path', current_setting('search_path'), true);
SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true);

-- Wakes the workers when the transaction commits, once for each tenant, however often this is called. PostgreSQL commits transactions
-- that notify one after the other; SET LOCAL calcom.notify = 'off' leaves the change to be found by polling.
CREATE FUNCTION tell_workers(tenant text) RETURNS void LANGUAGE sql VOLATILE AS
    'SELECT pg_notify(current_schema() || ''_due'', $1) WHERE current_setting(''calcom.notify'', true) IS DISTINCT FROM ''off''';

-- Records that an appointment has moved to a revision. Returns whether that was new. Recording a revision again does nothing.
CREATE FUNCTION record_change(tenant text, appointment text, revision bigint, origin text DEFAULT 'admin')
RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    is_new boolean;
BEGIN
    INSERT INTO notices (kind, tenant, appointment, revision, origin, at)
    VALUES ('change', record_change.tenant, record_change.appointment, record_change.revision, record_change.origin,
        clock_of_books())
    ON CONFLICT (tenant, appointment, revision) WHERE kind = 'change' DO NOTHING;
    is_new := FOUND;
    IF is_new THEN
        PERFORM tell_workers(record_change.tenant);
    END IF;
    RETURN is_new;
END
$$;

-- Records a set of changes of one tenant, as a bulk import needs it. Returns how many were new.
CREATE FUNCTION record_changes(tenant text, appointments text[], revisions bigint[], origin text DEFAULT 'admin')
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    recorded bigint;
BEGIN
    IF cardinality(appointments) <> cardinality(revisions) THEN
        RAISE EXCEPTION 'record_changes: % appointments and % revisions', cardinality(appointments), cardinality(revisions)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO notices (kind, tenant, appointment, revision, origin, at)
    SELECT 'change', record_changes.tenant, changed.appointment, changed.revision, record_changes.origin, clock_of_books()
    FROM unnest(appointments, revisions) AS changed (appointment, revision)
    ON CONFLICT (tenant, appointment, revision) WHERE kind = 'change' DO NOTHING;
    GET DIAGNOSTICS recorded = ROW_COUNT;
    IF recorded > 0 THEN
        PERFORM tell_workers(record_changes.tenant);
    END IF;
    RETURN recorded;
END
$$;

-- What is watched: one row a table.
CREATE TABLE watched (
    relation regclass PRIMARY KEY,
    -- Either one tenant for all rows, or the column that names it.
    tenant text COLLATE "C",
    tenant_column name,
    id_column name NOT NULL,
    revision_column name NOT NULL,
    origin_column name,
    -- An SQL condition over the table's columns; rows for which it is not true are not recorded.
    row_condition text,
    CHECK ((tenant IS NULL) <> (tenant_column IS NULL))
);

-- Gives an updated row the next revision, unless the statement has set another one itself.
CREATE FUNCTION raise_watched_revision()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    column_name text := TG_ARGV[0];
    before bigint := (to_jsonb(OLD) ->> column_name)::bigint;
    after bigint := (to_jsonb(NEW) ->> column_name)::bigint;
BEGIN
    IF after IS NOT DISTINCT FROM before THEN
        NEW := jsonb_populate_record(NEW, jsonb_build_object(column_name, coalesce(before, 0) + 1));
    END IF;
    RETURN NEW;
END
$$;

-- Records all rows that a statement has inserted or updated, with one statement of its own.
CREATE FUNCTION record_watched()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
    watch watched;
    setting text := nullif(current_setting('calcom.origin', true), '');
    recorded text[];
    told text;
BEGIN
    SELECT * INTO watch FROM watched WHERE relation = TG_RELID;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    EXECUTE format(
        'WITH recorded AS (
             INSERT INTO notices (kind, tenant, appointment, revision, origin, at)
             SELECT ''change'', %s, row_.%I::text, row_.%I::bigint, coalesce($1, %s, ''admin''), clock_of_books()
             FROM changed AS row_
             WHERE %s
             ON CONFLICT (tenant, appointment, revision) WHERE kind = ''change'' DO NOTHING
             RETURNING tenant
         )
         SELECT array_agg(DISTINCT tenant) FROM recorded',
        CASE WHEN watch.tenant IS NULL THEN format('row_.%I::text', watch.tenant_column) ELSE quote_literal(watch.tenant) END,
        watch.id_column,
        watch.revision_column,
        CASE WHEN watch.origin_column IS NULL THEN 'NULL' ELSE format('row_.%I::text', watch.origin_column) END,
        CASE WHEN watch.row_condition IS NULL THEN 'true' ELSE format('(%s)', watch.row_condition) END
    ) INTO recorded USING setting;
    FOREACH told IN ARRAY coalesce(recorded, '{}') LOOP
        PERFORM tell_workers(told);
    END LOOP;
    RETURN NULL;
END
$$;

-- Makes every INSERT and UPDATE of a host's table record itself, in the host's transaction. The origin is that of
-- SET LOCAL calcom.origin, or else that of the origin column, or else admin. Rows whose revision an UPDATE leaves as it was are
-- given the next one. Watching a table again replaces what was said about it. The condition runs with the rights of this schema's
-- owner, and so only a role that may write to watched can give one.
CREATE FUNCTION watch(
    relation regclass,
    tenant text DEFAULT NULL,
    tenant_column name DEFAULT NULL,
    id_column name DEFAULT 'id',
    revision_column name DEFAULT 'revision',
    origin_column name DEFAULT NULL,
    row_condition text DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT
AS $$
DECLARE
    missing name;
    revision_type regtype;
BEGIN
    IF (watch.tenant IS NULL) = (watch.tenant_column IS NULL) THEN
        RAISE EXCEPTION 'watch: name either the tenant of all rows, or the column that names it'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT named INTO missing
    FROM unnest(ARRAY[watch.tenant_column, watch.id_column, watch.revision_column, watch.origin_column]) AS named
    WHERE named IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = watch.relation AND attname = named AND attnum > 0 AND NOT attisdropped
    )
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'watch: % has no column %', watch.relation, quote_ident(missing) USING ERRCODE = 'undefined_column';
    END IF;
    SELECT atttypid INTO revision_type FROM pg_attribute
    WHERE attrelid = watch.relation AND attname = watch.revision_column;
    IF revision_type NOT IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) THEN
        RAISE EXCEPTION 'watch: the column % of % is no integer', quote_ident(watch.revision_column), watch.relation
            USING ERRCODE = 'datatype_mismatch';
    END IF;
    PERFORM unwatch(watch.relation);
    INSERT INTO watched
    VALUES (watch.relation, watch.tenant, watch.tenant_column, watch.id_column, watch.revision_column, watch.origin_column,
        watch.row_condition);
    EXECUTE format(
        'CREATE TRIGGER calcom_raise_revision BEFORE UPDATE ON %s
         FOR EACH ROW EXECUTE FUNCTION %I.raise_watched_revision(%L)',
        watch.relation, current_schema(), watch.revision_column);
    EXECUTE format(
        'CREATE TRIGGER calcom_record_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS changed
         FOR EACH STATEMENT EXECUTE FUNCTION %I.record_watched()',
        watch.relation, current_schema());
    EXECUTE format(
        'CREATE TRIGGER calcom_record_update AFTER UPDATE ON %s REFERENCING NEW TABLE AS changed
         FOR EACH STATEMENT EXECUTE FUNCTION %I.record_watched()',
        watch.relation, current_schema());
END
$$;

-- Takes away what watch has made. Returns whether the table was watched.
CREATE FUNCTION unwatch(relation regclass)
RETURNS boolean
LANGUAGE plpgsql
SET search_path FROM CURRENT
SET client_min_messages = warning
AS $$
BEGIN
    EXECUTE format('DROP TRIGGER IF EXISTS calcom_raise_revision ON %s', unwatch.relation);
    EXECUTE format('DROP TRIGGER IF EXISTS calcom_record_insert ON %s', unwatch.relation);
    EXECUTE format('DROP TRIGGER IF EXISTS calcom_record_update ON %s', unwatch.relation);
    DELETE FROM watched WHERE watched.relation = unwatch.relation;
    RETURN FOUND;
END
$$;

UPDATE meta SET version = 2;

SELECT set_config('search_path', current_setting('calcom.search_path'), true);
