-- What an external worker heard in a recording, a channel at a time: docs/database.md.

CREATE TABLE transcript (
    ticket   INTEGER NOT NULL REFERENCES ticket (key),
    channel  TEXT NOT NULL,               -- caller, operator
    state    TEXT NOT NULL,               -- waiting, done, failed
    attempts INTEGER NOT NULL DEFAULT 0,
    next_utc TEXT NOT NULL,               -- not asked before this
    why      TEXT,                        -- what the worker said last, where it failed
    PRIMARY KEY (ticket, channel)
) WITHOUT ROWID;
CREATE INDEX transcript_waiting ON transcript (next_utc) WHERE state = 'waiting';

CREATE TABLE transcript_segment (
    key       INTEGER PRIMARY KEY,
    ticket    INTEGER NOT NULL REFERENCES ticket (key),
    channel   TEXT NOT NULL,
    begins_ms INTEGER NOT NULL,           -- since the beginning of the recording
    ends_ms   INTEGER NOT NULL,
    text      TEXT NOT NULL
);
CREATE INDEX transcript_segment_by_ticket ON transcript_segment (ticket, begins_ms);

-- Three characters at a time, so that languages without spaces are found, too.
CREATE VIRTUAL TABLE transcript_text USING fts5 (text, content = 'transcript_segment', content_rowid = 'key', tokenize = 'trigram');
CREATE TRIGGER transcript_segment_in AFTER INSERT ON transcript_segment BEGIN
    INSERT INTO transcript_text (rowid, text) VALUES (new.key, new.text);
END;
CREATE TRIGGER transcript_segment_out AFTER DELETE ON transcript_segment BEGIN
    INSERT INTO transcript_text (transcript_text, rowid, text) VALUES ('delete', old.key, old.text);
END;

CREATE VIEW v_transcript AS
SELECT t.id                                                        AS ticket,
       s.channel                                                   AS channel,
       s.begins_ms / 1000.0                                        AS begins_seconds,
       s.ends_ms / 1000.0                                          AS ends_seconds,
       s.text                                                      AS text
FROM transcript_segment s
JOIN ticket t ON t.key = s.ticket;
