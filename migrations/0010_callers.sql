-- What callers lived through: the recording notice, messages, calling again.

-- How urgent a matter is; 0 is ordinary, and each call again makes it one more.
ALTER TABLE matter ADD COLUMN urgency INTEGER NOT NULL DEFAULT 0;

-- The key of the ticket that this one follows: the same caller, a short time before.
ALTER TABLE ticket ADD COLUMN redial_of INTEGER REFERENCES ticket (key);

-- The proof that the caller was told of the recording. ended: NULL while it is played.
CREATE TABLE notice (
    ticket     INTEGER PRIMARY KEY REFERENCES ticket (key),
    file       TEXT NOT NULL,
    sha256     TEXT,
    started_at TEXT NOT NULL,
    ended      TEXT,                      -- played, cut, failed
    cut_ms     INTEGER
);

-- Messages, until somebody has heard them and after. The WAV is the ticket's recording.
CREATE TABLE message (
    ticket    INTEGER PRIMARY KEY REFERENCES ticket (key),
    heard_utc TEXT,
    heard_by  TEXT
);
CREATE INDEX message_unheard ON message (ticket) WHERE heard_utc IS NULL;

CREATE VIEW v_notice AS
SELECT t.id                                                        AS ticket,
       n.file                                                      AS file,
       n.sha256                                                    AS sha256,
       strftime('%Y-%m-%dT%H:%M:%fZ', n.started_at)                AS started_utc,
       n.ended                                                     AS ended,
       n.cut_ms                                                    AS cut_ms
FROM notice n
JOIN ticket t ON t.key = n.ticket;

CREATE VIEW v_message AS
SELECT t.id                                                        AS ticket,
       t.caller                                                    AS caller,
       t.received_utc                                              AS received_utc,
       r.path                                                      AS path,
       round(r.samples * 1.0 / nullif(r.sample_rate, 0), 3)        AS seconds,
       m.heard_utc                                                 AS heard_utc,
       m.heard_by                                                  AS heard_by
FROM message m
JOIN ticket t ON t.key = m.ticket
LEFT JOIN recording r ON r.ticket = m.ticket;

-- One row for each mobile that was ever rung for the hotline.
CREATE VIEW v_mobile AS
SELECT l.party_name                                                AS mobile,
       count(*)                                                    AS rung,
       sum(l.answered_at IS NOT NULL)                              AS taken,
       sum(l.unanswered = 'refused by key' OR l.unanswered = 'declined') AS refused,
       sum(l.unanswered = 'not confirmed')                         AS swallowed,
       sum(l.unanswered = 'no answer')                             AS unanswered,
       sum(l.unanswered IN ('busy', 'unreachable', 'fault'))       AS unreached
FROM leg l
JOIN ticket t ON t.key = l.ticket
WHERE l.party_kind = 'mobile' AND t.direction = 'hotline'
GROUP BY l.party_name;

DROP VIEW v_matter;
CREATE VIEW v_matter AS
SELECT printf('%08d-%04d', m.key / 10000000000, m.key % 10000000000) AS id,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.opened_at)                 AS opened_utc,
       substr(m.opened_at, 1, 23)                                  AS opened_local,
       m.owner                                                     AS owner,
       m.kind                                                      AS kind,
       m.state                                                     AS state,
       m.urgency                                                   AS urgency,
       (SELECT count(*) FROM ticket t WHERE t.matter = m.key)      AS tickets
FROM matter m;
