-- A caller's appointments are looked up by phone number. The index looks at the state as it is written, so that rows from before
-- this migration, and of an older worker beside it, are found too. The two functions call no other function of this schema, because
-- an index is also maintained with an empty search_path, and never fail, because then a row could not be written: a state that
-- cannot be read has neither. The type json refuses \u0000 wherever it stands, so it is taken out first.

-- The phone number of a pending or confirmed appointment's attendee. Any other text in its place is left out: nobody can ask for it,
-- and a long one is too large for the index, so that its row could not be written.
CREATE FUNCTION live_phone_of(state text)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
AS $$
DECLARE
    read json;
    number text;
BEGIN
    read := regexp_replace(state, '(?<!\\)((?:\\\\)*)\\u0000', '\1', 'g')::json;
    IF read ->> 'status' IN ('pending', 'confirmed') THEN
        number := read #>> '{attendee,phone_number}';
        IF number ~ '^\+[1-9][0-9]{6,14}$' THEN
            RETURN number;
        END IF;
    END IF;
    RETURN NULL;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN NULL;
END
$$;

-- When an appointment ends. An instant without an offset is UTC.
CREATE FUNCTION end_of(state text)
RETURNS timestamptz
LANGUAGE plpgsql
IMMUTABLE
SET timezone = 'UTC'
AS $$
BEGIN
    RETURN (regexp_replace(state, '(?<!\\)((?:\\\\)*)\\u0000', '\1', 'g')::json ->> 'end')::timestamptz;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN NULL;
END
$$;

CREATE INDEX appointments_phone ON appointments (tenant, live_phone_of(state), end_of(state)) WHERE live_phone_of(state) IS NOT NULL;

UPDATE meta SET version = 6;
