-- A salon's tables in MariaDB 10.11, and what was added for Cal.com. The application writes `visits` as it always did, in
-- whatever language; the triggers number its writes, say whose they are, and tell the outbox. The sync service connects as a
-- user of its own, `calcom_sync`, by which the triggers know its writes.
--
-- Instants are UTC. A DATETIME knows no time zone, so the application sets `time_zone = '+00:00'` or converts.

CREATE TABLE services (
    service_no        INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name              VARCHAR(200) NOT NULL,
    calcom_event_type BIGINT NOT NULL UNIQUE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE stylists (
    stylist_no  INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name        VARCHAR(200) NOT NULL,
    calcom_user BIGINT NOT NULL UNIQUE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE visits (
    visit_no     BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    state        ENUM('requested', 'booked', 'completed', 'no_show', 'cancelled', 'refused') NOT NULL,
    begins       DATETIME(3) NOT NULL,
    ends         DATETIME(3) NOT NULL,
    service_no   INT UNSIGNED NOT NULL,
    stylist_no   INT UNSIGNED NULL,
    client       VARCHAR(320) NOT NULL,
    email        VARCHAR(320) NULL,
    phone        VARCHAR(320) NULL,
    language     VARCHAR(320) NULL,
    zone         VARCHAR(320) NOT NULL,
    place        VARCHAR(320) NULL,
    -- One address a line. NULL: unknown; empty: none.
    guests       TEXT NULL,
    remarks      TEXT NULL,
    -- Added for Cal.com, from here on. The application need not know these columns.
    version      BIGINT UNSIGNED NOT NULL DEFAULT 1,
    changed_by   VARCHAR(40) NOT NULL DEFAULT 'app',
    changed_why  TEXT NULL,
    changed_at   DATETIME(3) NOT NULL DEFAULT UTC_TIMESTAMP(3),
    -- Compared byte by byte, trailing blanks included: two keys that differ in case are two bookings.
    calcom_chain VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NULL UNIQUE,
    KEY visits_by_time (begins, visit_no),
    FOREIGN KEY (service_no) REFERENCES services (service_no),
    FOREIGN KEY (stylist_no) REFERENCES stylists (stylist_no)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- Written by the triggers, in the transaction of the write; emptied by the relay. It has no key that a second write could
-- collide with, so that no transaction of the application waits for another one because of it.
CREATE TABLE calcom_outbox (
    position   BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    visit_no   BIGINT UNSIGNED NOT NULL,
    version    BIGINT UNSIGNED NOT NULL,
    changed_by VARCHAR(40) NOT NULL,
    changed_at DATETIME(3) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

DELIMITER //

CREATE TRIGGER visits_before_insert BEFORE INSERT ON visits FOR EACH ROW
BEGIN
    SET NEW.version = 1;
    -- USER() is who is connected; CURRENT_USER() would be who made the trigger.
    IF SUBSTRING_INDEX(USER(), '@', 1) = 'calcom_sync' THEN
        SET NEW.changed_by = 'calcom';
    ELSE
        SET NEW.changed_by = 'app', NEW.changed_why = NULL, NEW.changed_at = UTC_TIMESTAMP(3);
    END IF;
END //

CREATE TRIGGER visits_before_update BEFORE UPDATE ON visits FOR EACH ROW
BEGIN
    SET NEW.version = OLD.version + 1;
    -- Who wrote last is decided with every write. An application that does not know the column would leave 'calcom' in it,
    -- and its own change would never be pushed.
    IF SUBSTRING_INDEX(USER(), '@', 1) = 'calcom_sync' THEN
        SET NEW.changed_by = 'calcom';
    ELSE
        SET NEW.changed_by = 'app', NEW.changed_at = UTC_TIMESTAMP(3);
        IF NEW.changed_why <=> OLD.changed_why THEN
            SET NEW.changed_why = NULL;
        END IF;
    END IF;
END //

CREATE TRIGGER visits_after_insert AFTER INSERT ON visits FOR EACH ROW
    INSERT INTO calcom_outbox (visit_no, version, changed_by, changed_at)
    VALUES (NEW.visit_no, NEW.version, NEW.changed_by, NEW.changed_at) //

CREATE TRIGGER visits_after_update AFTER UPDATE ON visits FOR EACH ROW
    INSERT INTO calcom_outbox (visit_no, version, changed_by, changed_at)
    VALUES (NEW.visit_no, NEW.version, NEW.changed_by, NEW.changed_at) //

-- A row that is deleted while its booking lives is asked about. Cancel first, and delete later.
CREATE TRIGGER visits_after_delete AFTER DELETE ON visits FOR EACH ROW
    INSERT INTO calcom_outbox (visit_no, version, changed_by, changed_at)
    VALUES (OLD.visit_no, OLD.version + 1, 'app', UTC_TIMESTAMP(3)) //

DELIMITER ;
