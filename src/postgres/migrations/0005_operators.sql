-- What persons did is read by itself: the same condition is in the statement that reads it. It looks at the JSON as it is
-- written, which is no jsonb, so that lines from before this migration, and of an older process beside it, are found too.
CREATE INDEX log_by_person ON log (tenant, id)
WHERE event LIKE '{"event":"operated",%'
    OR (event LIKE '{"event":"review\_resolved",%' AND event NOT LIKE '%,"resolution":{"kind":"settled"},%');

UPDATE meta SET version = 5;
