-- People who may use the console and the API, how they prove who they are, and what happened, for
-- whoever was not listening at the time.

CREATE TABLE user (
    name        TEXT PRIMARY KEY,
    role        TEXT NOT NULL,
    phone       TEXT,                     -- the desk phone that rings for their calls out
    password    TEXT NOT NULL,            -- argon2id, in the PHC form with its salt and costs
    totp_secret BLOB,                     -- RFC 6238; NULL: none asked for
    totp_active INTEGER NOT NULL DEFAULT 0, -- 1: confirmed with a first code
    totp_step   INTEGER NOT NULL DEFAULT 0, -- the last time step whose code was taken
    locked      INTEGER NOT NULL DEFAULT 0,
    created_utc TEXT NOT NULL
) WITHOUT ROWID;

-- A cookie's or token's secret is kept as its SHA-256 only.
CREATE TABLE session (
    hash       BLOB PRIMARY KEY,
    user       TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
    begun_utc  TEXT NOT NULL,
    seen_utc   TEXT NOT NULL,
    address    TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_by_user ON session (user);

CREATE TABLE token (
    key         INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    user        TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
    hash        BLOB NOT NULL UNIQUE,
    scopes      TEXT NOT NULL,            -- words with spaces between
    created_utc TEXT NOT NULL,
    expires_utc TEXT
);

-- What happened, written with the fact itself. Webhooks and listeners that come back read it from here.
CREATE TABLE event (
    id      INTEGER PRIMARY KEY,          -- microseconds since 1970, or one more than the last
    at_utc  TEXT NOT NULL,
    kind    TEXT NOT NULL,
    ticket  INTEGER,                      -- the ticket's key; its row may be gone
    subject TEXT,
    words   TEXT NOT NULL
);

-- Lists by who sat at the desk and by what is thought of the recording, in the order of keys.
CREATE INDEX ticket_by_operator ON ticket (operator) WHERE operator IS NOT NULL;
CREATE INDEX recording_by_verdict ON recording (verdict);
