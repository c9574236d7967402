-- A caller's appointments are looked up by phone number. The index looks at the state as it is written, so that rows from before
-- this migration, and of an older process beside it, are found too. A state that is no JSON has no number: a write of one, and
-- this migration, must not fail for it. The statement that reads it has the same expressions.
CREATE INDEX calcom_appointments_phone ON calcom_appointments (
    tenant,
    CASE WHEN json_valid(state) THEN json_extract(state, '$.attendee.phone_number') END,
    julianday(CASE WHEN json_valid(state) THEN json_extract(state, '$.end') END)
)
WHERE CASE WHEN json_valid(state) THEN json_extract(state, '$.status') END IN ('pending', 'confirmed');
