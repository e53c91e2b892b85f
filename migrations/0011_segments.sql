-- Who spoke when on a recording: a transfer changes the voice of a channel, not the recording.
CREATE TABLE segment (
    ticket       INTEGER NOT NULL REFERENCES ticket (key),
    idx          INTEGER NOT NULL,
    channel      TEXT NOT NULL,             -- left, right
    leg          INTEGER NOT NULL,
    party_kind   TEXT NOT NULL,
    party_name   TEXT,
    party_number TEXT,
    from_ms      INTEGER NOT NULL,          -- since the recording's first sample
    until_ms     INTEGER,                   -- NULL while it goes on
    PRIMARY KEY (ticket, idx)
) WITHOUT ROWID;

-- The key of the ticket whose matter this one is about: a consultation, a call back.
ALTER TABLE ticket ADD COLUMN part_of INTEGER REFERENCES ticket (key);

CREATE VIEW v_segment AS
SELECT t.id                                                        AS ticket,
       s.idx                                                       AS segment,
       s.channel                                                   AS channel,
       s.leg                                                       AS leg,
       s.party_kind                                                AS party_kind,
       s.party_name                                                AS party_name,
       s.party_number                                              AS party_number,
       s.from_ms / 1000.0                                          AS from_seconds,
       s.until_ms / 1000.0                                         AS until_seconds
FROM segment s
JOIN ticket t ON t.key = s.ticket;
