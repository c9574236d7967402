-- What persons did is read by itself: the same condition is in the statement that reads it. It looks at the JSON as it is
-- written, so that lines from before this migration, and of an older process beside it, are found too.
CREATE INDEX calcom_log_by_person ON calcom_log (tenant, id)
WHERE event GLOB '{"event":"operated",*'
    OR (event GLOB '{"event":"review_resolved",*' AND event NOT GLOB '*,"resolution":{"kind":"settled"},*');
