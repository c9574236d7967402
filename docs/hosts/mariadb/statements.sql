-- The four operations of `AppointmentRepository`, as the sync service sends them to MariaDB, with one `?` for each parameter
-- in the order of the comment. Run them at READ COMMITTED, in UTC, and with a strict sql_mode, so that nothing is cut off in
-- silence. Errors 1205 (lock wait) and 1213 (deadlock) are `Unavailable`.

-- name: columns
-- The columns of a visit, in the place of `@columns`, with the numbers that Cal.com knows its service and stylist by.
v.visit_no, v.state, v.begins, v.ends, s.calcom_event_type, t.calcom_user, v.client, v.email, v.phone, v.language, v.zone,
    v.place, v.guests, v.remarks, v.version, v.changed_by, v.changed_why, v.changed_at, v.calcom_chain

-- name: get
-- visit_no
SELECT @columns FROM visits v JOIN services s USING (service_no) LEFT JOIN stylists t USING (stylist_no) WHERE v.visit_no = ?;

-- name: get_by_chain
-- chain
SELECT @columns FROM visits v JOIN services s USING (service_no) LEFT JOIN stylists t USING (stylist_no)
WHERE v.calcom_chain = ?;

-- name: create
-- chain, state, begins, ends, event type, Cal.com user, client, email, phone, language, zone, place, guests, remarks, why, at.
-- Error 1062, a duplicate key, is no failure: somebody was first. Either way `get_by_chain` follows. Neither INSERT IGNORE nor
-- ON DUPLICATE KEY UPDATE will do: the one cuts off what is too long in silence, the other fires the triggers of an update.
INSERT INTO visits (calcom_chain, state, begins, ends, service_no, stylist_no, client, email, phone, language, zone, place,
    guests, remarks, changed_why, changed_at)
VALUES (?, ?, ?, ?, (SELECT service_no FROM services WHERE calcom_event_type = ?),
    (SELECT stylist_no FROM stylists WHERE calcom_user = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: update
-- state, state, begins, ends, event type, Cal.com user, client, email, phone, language, zone, place, guests, remarks, why, at,
-- visit_no, expected version. One row is affected if the version was the expected one, for the trigger raises it. In one
-- transaction with `get`, which tells a conflict from a missing row, and returns the visit as it was written.
UPDATE visits SET state = CASE WHEN ? = 'booked' AND state IN ('completed', 'no_show') THEN state ELSE ? END,
    begins = ?, ends = ?, service_no = (SELECT service_no FROM services WHERE calcom_event_type = ?),
    stylist_no = COALESCE((SELECT stylist_no FROM stylists WHERE calcom_user = ?), stylist_no),
    client = ?, email = ?, phone = ?, language = ?, zone = ?, place = COALESCE(?, place), guests = COALESCE(?, guests),
    remarks = COALESCE(?, remarks), changed_why = ?, changed_at = ?
WHERE visit_no = ? AND version = ?;

-- name: scan
-- from, until, after's start, after's visit_no, limit. The first page starts after ('1000-01-01', 0).
SELECT @columns FROM visits v JOIN services s USING (service_no) LEFT JOIN stylists t USING (stylist_no)
WHERE v.begins >= ? AND v.begins < ? AND (v.begins, v.visit_no) > (?, ?) ORDER BY v.begins, v.visit_no LIMIT ?;
