-- What persons did is read by itself.
ALTER TABLE calcom_log ADD COLUMN by_person INTEGER NOT NULL DEFAULT 0;

CREATE INDEX calcom_log_by_person ON calcom_log (tenant, id) WHERE by_person = 1;
