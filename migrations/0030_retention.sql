-- What must stay, and what is gone: docs/database.md.

-- Somebody said that the recordings of this matter must stay, whatever their age.
CREATE TABLE hold (
    matter    INTEGER PRIMARY KEY REFERENCES matter (key),
    since_utc TEXT NOT NULL,
    by        TEXT NOT NULL,
    reason    TEXT NOT NULL
);

-- When and why the file was deleted; its path is NULL from then on, and the verdict stays.
ALTER TABLE recording ADD COLUMN deleted_utc TEXT;
ALTER TABLE recording ADD COLUMN deleted_why TEXT;
CREATE INDEX recording_with_file ON recording (ticket) WHERE path IS NOT NULL;

CREATE VIEW v_hold AS
SELECT printf('%08d-%04d', h.matter / 10000000000, h.matter % 10000000000) AS matter,
       h.since_utc                                                 AS since_utc,
       h.by                                                        AS by,
       h.reason                                                    AS reason
FROM hold h;

CREATE VIEW v_deleted AS
SELECT t.id                                                        AS ticket,
       r.deleted_utc                                               AS deleted_utc,
       r.deleted_why                                               AS deleted_why,
       r.verdict                                                   AS verdict
FROM recording r
JOIN ticket t ON t.key = r.ticket
WHERE r.deleted_utc IS NOT NULL;
