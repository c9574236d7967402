-- What the clients of several processes share. None of it belongs to a tenant.

-- Bookings that are made once. A key is kept as its SHA-256: it may be anything, and only the equality of keys matters.
CREATE TABLE calcom_idempotency_keys (
    key         BLOB PRIMARY KEY NOT NULL,
    -- The SHA-256 of the request.
    fingerprint BLOB NOT NULL,
    -- NULL while it is unknown whether there is one.
    booking     TEXT,
    stored_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX calcom_idempotency_keys_old ON calcom_idempotency_keys (stored_at);

-- The tokens of OAuth sessions, in the clear.
CREATE TABLE calcom_oauth_tokens (
    session       TEXT PRIMARY KEY NOT NULL,
    access_token  TEXT NOT NULL,
    refresh_token TEXT NOT NULL,
    expires_at    INTEGER,
    -- Until when somebody has the turn to refresh them; NULL: nobody has.
    leased_until  INTEGER,
    fence         INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- How much of its rate limit a credential has left. It is known by a SHA-256.
CREATE TABLE calcom_rate_budgets (
    credential BLOB PRIMARY KEY NOT NULL,
    -- As the client wrote it, in JSON.
    state      TEXT NOT NULL,
    stored_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX calcom_rate_budgets_old ON calcom_rate_budgets (stored_at);
