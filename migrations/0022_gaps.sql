-- Where something is missing in a recording: packets that never came, the disk that took nothing.
-- At most 64 stretches a side; neighbours became one where there were more. Times in ms of the recording.
CREATE TABLE recording_gap (
    ticket  INTEGER NOT NULL REFERENCES recording (ticket) ON DELETE CASCADE,
    side    TEXT NOT NULL,            -- caller, operator
    idx     INTEGER NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms   INTEGER NOT NULL,
    lost_ms INTEGER NOT NULL,         -- less than from to to where stretches became one
    PRIMARY KEY (ticket, side, idx)
) WITHOUT ROWID;

CREATE VIEW v_gap AS
SELECT t.id                AS ticket,
       g.side              AS side,
       g.from_ms / 1000.0  AS from_seconds,
       g.to_ms / 1000.0    AS to_seconds,
       g.lost_ms / 1000.0  AS lost_seconds
FROM recording_gap g
JOIN ticket t ON t.key = g.ticket;
