-- The first shape of the database. What each column means to a reader: docs/database.md.
--
-- Keys: a ticket's key is its day and number in one integer (yyyymmdd * 10^10 + number), so new
-- rows go to the end of the tree and "newest first" needs no index of its own.
-- Times: `..._at` is RFC 3339 with milliseconds and the local offset, `..._utc` the same in UTC
-- ending in Z, so that it sorts as text.

CREATE TABLE matter (
    key        INTEGER PRIMARY KEY,       -- the key of its first ticket
    opened_at  TEXT NOT NULL,
    owner      TEXT,                      -- typed by a person: who was asked first
    kind       TEXT,                      -- typed by a person
    state      TEXT NOT NULL DEFAULT 'open'
);

-- Every column but key, id and matter is the call's, written as a whole snapshot with its revision.
CREATE TABLE ticket (
    key                INTEGER PRIMARY KEY,
    id                 TEXT NOT NULL,     -- 20261123-0007
    matter             INTEGER NOT NULL REFERENCES matter (key),
    revision           INTEGER NOT NULL,
    direction          TEXT NOT NULL,
    caller             TEXT,
    caller_name        TEXT,
    dialled            TEXT NOT NULL,
    trunk              TEXT,
    received_at        TEXT NOT NULL,
    received_utc       TEXT NOT NULL,
    first_ring_at      TEXT,
    flagged_at         TEXT,
    answered_at        TEXT,
    ended_at           TEXT,
    rings              INTEGER,
    answered_by_kind   TEXT,
    answered_by_name   TEXT,
    answered_by_number TEXT,
    shift              TEXT,
    operator           TEXT,
    desk_state         TEXT NOT NULL,
    outcome            TEXT,
    hung_up_first      TEXT
);
CREATE UNIQUE INDEX ticket_by_id ON ticket (id);
CREATE INDEX ticket_by_received ON ticket (received_utc);
CREATE INDEX ticket_by_caller ON ticket (caller) WHERE caller IS NOT NULL;
CREATE INDEX ticket_by_outcome ON ticket (outcome) WHERE outcome IS NOT NULL;
CREATE INDEX ticket_by_matter ON ticket (matter);
CREATE INDEX ticket_flagged ON ticket (key) WHERE flagged_at IS NOT NULL;
CREATE INDEX ticket_open ON ticket (key) WHERE ended_at IS NULL;

-- What people typed about a ticket. No call ever writes here.
CREATE TABLE ticket_remark (
    ticket     INTEGER PRIMARY KEY REFERENCES ticket (key),
    remark     TEXT NOT NULL,
    edited_by  TEXT NOT NULL,
    edited_utc TEXT NOT NULL
);

CREATE TABLE leg (
    ticket       INTEGER NOT NULL REFERENCES ticket (key),
    idx          INTEGER NOT NULL,
    party_kind   TEXT NOT NULL,
    party_name   TEXT,
    party_number TEXT,
    dialled_at   TEXT NOT NULL,
    ringing_at   TEXT,
    answered_at  TEXT,
    ended_at     TEXT,
    unanswered   TEXT,
    status       INTEGER,
    sip_call_id  TEXT NOT NULL,
    PRIMARY KEY (ticket, idx)
) WITHOUT ROWID;

CREATE TABLE timeline (
    ticket INTEGER NOT NULL REFERENCES ticket (key),
    idx    INTEGER NOT NULL,
    at     TEXT NOT NULL,
    what   TEXT NOT NULL,
    words  TEXT NOT NULL,
    PRIMARY KEY (ticket, idx)
) WITHOUT ROWID;

-- path is NULL where there is a verdict but no file.
CREATE TABLE recording (
    ticket                   INTEGER PRIMARY KEY REFERENCES ticket (key),
    verdict                  TEXT NOT NULL,
    verdict_words            TEXT,
    path                     TEXT,
    sample_rate              INTEGER,
    samples                  INTEGER,
    unwritten_samples        INTEGER,
    tap_dropped              INTEGER,
    late_syncs               INTEGER,
    caller_packets           INTEGER,
    caller_lost_samples      INTEGER,
    caller_audible_samples   INTEGER,
    caller_skew_samples      INTEGER,
    caller_late_packets      INTEGER,
    operator_packets         INTEGER,
    operator_lost_samples    INTEGER,
    operator_audible_samples INTEGER,
    operator_skew_samples    INTEGER,
    operator_late_packets    INTEGER
);

CREATE TABLE outage (
    key       INTEGER PRIMARY KEY,
    kind      TEXT NOT NULL,
    name      TEXT NOT NULL,              -- '' for disk, database, daemon
    began_utc TEXT NOT NULL,
    ended_utc TEXT,
    reason    TEXT NOT NULL,
    end_words TEXT
);
-- One open interval per subject; and a repeated change is recognised as the same one.
CREATE UNIQUE INDEX outage_open ON outage (kind, name) WHERE ended_utc IS NULL;
CREATE UNIQUE INDEX outage_by_subject ON outage (kind, name, began_utc);

-- Numbers below next are given away or lost, never free again.
CREATE TABLE number_block (
    day  TEXT PRIMARY KEY,                -- 2026-11-23
    next INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE binding (
    phone      TEXT NOT NULL,
    place      INTEGER NOT NULL,          -- order within the phone
    contact    TEXT NOT NULL,
    instance   TEXT,
    path       TEXT NOT NULL,             -- one URI a line
    transport  TEXT NOT NULL,
    listener   INTEGER NOT NULL,
    remote     TEXT NOT NULL,
    sip_call_id TEXT NOT NULL,
    cseq       INTEGER NOT NULL,
    expires_utc TEXT NOT NULL,
    user_agent TEXT,
    PRIMARY KEY (phone, place)
) WITHOUT ROWID;

-- At most one row each.
CREATE TABLE away (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    since_at TEXT NOT NULL,
    until_at TEXT,
    set_by   TEXT NOT NULL
);
CREATE TABLE sign_of_life (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    at_utc TEXT NOT NULL,
    ended  INTEGER NOT NULL               -- 1: the daemon was stopped in order
);

CREATE VIEW v_ticket AS
SELECT t.id                                                        AS id,
       printf('%08d-%04d', t.matter / 10000000000, t.matter % 10000000000) AS matter,
       substr(t.received_at, 1, 10)                                AS day,
       t.direction                                                 AS direction,
       t.caller                                                    AS caller,
       t.caller_name                                               AS caller_name,
       t.dialled                                                   AS dialled,
       t.trunk                                                     AS trunk,
       t.received_utc                                              AS received_utc,
       substr(t.received_at, 1, 23)                                AS received_local,
       strftime('%Y-%m-%dT%H:%M:%fZ', t.first_ring_at)             AS first_ring_utc,
       substr(t.first_ring_at, 1, 23)                              AS first_ring_local,
       strftime('%Y-%m-%dT%H:%M:%fZ', t.flagged_at)                AS flagged_utc,
       substr(t.flagged_at, 1, 23)                                 AS flagged_local,
       t.flagged_at IS NOT NULL                                    AS flagged,
       strftime('%Y-%m-%dT%H:%M:%fZ', t.answered_at)               AS answered_utc,
       substr(t.answered_at, 1, 23)                                AS answered_local,
       strftime('%Y-%m-%dT%H:%M:%fZ', t.ended_at)                  AS ended_utc,
       substr(t.ended_at, 1, 23)                                   AS ended_local,
       t.rings                                                     AS rings,
       round((julianday(coalesce(t.answered_at, t.ended_at)) - julianday(t.received_at)) * 86400, 3)
                                                                   AS wait_seconds,
       round((julianday(t.ended_at) - julianday(t.answered_at)) * 86400, 3)
                                                                   AS talk_seconds,
       t.answered_by_kind                                          AS answered_by_kind,
       t.answered_by_name                                          AS answered_by_name,
       t.answered_by_number                                        AS answered_by_number,
       t.shift                                                     AS shift,
       t.operator                                                  AS operator,
       t.desk_state                                                AS desk_state,
       t.outcome                                                   AS outcome,
       t.hung_up_first                                             AS hung_up_first,
       r.remark                                                    AS remark
FROM ticket t
LEFT JOIN ticket_remark r ON r.ticket = t.key;

CREATE VIEW v_matter AS
SELECT printf('%08d-%04d', m.key / 10000000000, m.key % 10000000000) AS id,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.opened_at)                 AS opened_utc,
       substr(m.opened_at, 1, 23)                                  AS opened_local,
       m.owner                                                     AS owner,
       m.kind                                                      AS kind,
       m.state                                                     AS state,
       (SELECT count(*) FROM ticket t WHERE t.matter = m.key)      AS tickets
FROM matter m;

CREATE VIEW v_leg AS
SELECT t.id                                                        AS ticket,
       l.idx                                                       AS leg,
       l.party_kind                                                AS party_kind,
       l.party_name                                                AS party_name,
       l.party_number                                              AS party_number,
       strftime('%Y-%m-%dT%H:%M:%fZ', l.dialled_at)                AS dialled_utc,
       substr(l.dialled_at, 1, 23)                                 AS dialled_local,
       strftime('%Y-%m-%dT%H:%M:%fZ', l.ringing_at)                AS ringing_utc,
       strftime('%Y-%m-%dT%H:%M:%fZ', l.answered_at)               AS answered_utc,
       strftime('%Y-%m-%dT%H:%M:%fZ', l.ended_at)                  AS ended_utc,
       l.unanswered                                                AS unanswered,
       l.status                                                    AS status,
       l.sip_call_id                                               AS sip_call_id
FROM leg l
JOIN ticket t ON t.key = l.ticket;

CREATE VIEW v_timeline AS
SELECT t.id                                                        AS ticket,
       e.idx                                                       AS entry,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.at)                        AS at_utc,
       substr(e.at, 1, 23)                                         AS at_local,
       e.what                                                      AS what,
       e.words                                                     AS words
FROM timeline e
JOIN ticket t ON t.key = e.ticket;

CREATE VIEW v_recording AS
SELECT t.id                                                        AS ticket,
       t.received_utc                                              AS received_utc,
       r.verdict                                                   AS verdict,
       r.verdict_words                                             AS verdict_words,
       r.path                                                      AS path,
       r.sample_rate                                               AS sample_rate,
       round(r.samples * 1.0 / nullif(r.sample_rate, 0), 3)        AS seconds,
       round(r.unwritten_samples * 1.0 / nullif(r.sample_rate, 0), 3)
                                                                   AS unwritten_seconds,
       r.tap_dropped                                               AS tap_dropped,
       r.late_syncs                                                AS late_syncs,
       r.caller_packets                                            AS caller_packets,
       round(r.caller_lost_samples * 1.0 / nullif(r.sample_rate, 0), 3)
                                                                   AS caller_lost_seconds,
       round(r.caller_audible_samples * 1.0 / nullif(r.sample_rate, 0), 3)
                                                                   AS caller_audible_seconds,
       r.caller_skew_samples                                       AS caller_skew_samples,
       r.caller_late_packets                                       AS caller_late_packets,
       r.operator_packets                                          AS operator_packets,
       round(r.operator_lost_samples * 1.0 / nullif(r.sample_rate, 0), 3)
                                                                   AS operator_lost_seconds,
       round(r.operator_audible_samples * 1.0 / nullif(r.sample_rate, 0), 3)
                                                                   AS operator_audible_seconds,
       r.operator_skew_samples                                     AS operator_skew_samples,
       r.operator_late_packets                                     AS operator_late_packets
FROM recording r
JOIN ticket t ON t.key = r.ticket;

CREATE VIEW v_outage AS
SELECT o.kind                                                      AS kind,
       nullif(o.name, '')                                          AS name,
       o.began_utc                                                 AS began_utc,
       o.ended_utc                                                 AS ended_utc,
       round((julianday(o.ended_utc) - julianday(o.began_utc)) * 86400, 3) AS seconds,
       o.reason                                                    AS reason,
       o.end_words                                                 AS end_words
FROM outage o;
