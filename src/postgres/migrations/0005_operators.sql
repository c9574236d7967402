-- What persons did is read by itself.
ALTER TABLE log ADD COLUMN by_person boolean NOT NULL DEFAULT false;

CREATE INDEX log_by_person ON log (tenant, id) WHERE by_person;

UPDATE meta SET version = 5;
