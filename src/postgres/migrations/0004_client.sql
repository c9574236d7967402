-- What the clients of several processes share. None of it belongs to a tenant.

-- Bookings that are made once. A key is kept as its SHA-256: it may be anything, and only the equality of keys matters.
CREATE TABLE idempotency_keys (
    key         bytea PRIMARY KEY,
    -- The SHA-256 of the request.
    fingerprint bytea NOT NULL,
    -- NULL while it is unknown whether there is one.
    booking     text COLLATE "C",
    stored_at   timestamptz NOT NULL
);

CREATE INDEX idempotency_keys_old ON idempotency_keys (stored_at);

-- The tokens of OAuth sessions, in the clear.
CREATE TABLE oauth_tokens (
    session       text COLLATE "C" PRIMARY KEY,
    access_token  text NOT NULL,
    refresh_token text NOT NULL,
    expires_at    timestamptz,
    -- Until when somebody has the turn to refresh them; NULL: nobody has.
    leased_until  timestamptz,
    fence         bigint NOT NULL DEFAULT 0
);

-- How much of its rate limit a credential has left. It is known by a SHA-256.
CREATE TABLE rate_budgets (
    credential bytea PRIMARY KEY,
    revision   bigint NOT NULL DEFAULT 1,
    -- As the client wrote it, in JSON.
    state      text NOT NULL,
    stored_at  timestamptz NOT NULL
);

CREATE INDEX rate_budgets_old ON rate_budgets (stored_at);

UPDATE meta SET version = 4;
