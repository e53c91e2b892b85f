-- What a recording says without a word being recognised (docs/facts.md). It can be computed again from
-- the file, so no entry of the chain covers it. Times in ms of the recording.
CREATE TABLE call_facts (
    ticket                   INTEGER PRIMARY KEY REFERENCES ticket (key) ON DELETE CASCADE,
    length_ms                INTEGER NOT NULL,
    silence_from_ms          INTEGER,
    silence_to_ms            INTEGER,
    caller_speech            TEXT NOT NULL,   -- 600-3310 8920-15350: from and to, in order
    caller_spoke_ms          INTEGER NOT NULL,
    caller_talk_over_ms      INTEGER NOT NULL,
    caller_cut_ins           INTEGER NOT NULL,
    caller_loudness_lufs     REAL,
    caller_peak_dbfs         REAL,
    caller_clipped_samples   INTEGER NOT NULL,
    caller_noise_dbfs        REAL,
    operator_speech          TEXT NOT NULL,
    operator_spoke_ms        INTEGER NOT NULL,
    operator_talk_over_ms    INTEGER NOT NULL,
    operator_cut_ins         INTEGER NOT NULL,
    operator_loudness_lufs   REAL,
    operator_peak_dbfs       REAL,
    operator_clipped_samples INTEGER NOT NULL,
    operator_noise_dbfs      REAL
);

-- What is still to be read.
CREATE INDEX recording_unread ON recording (ticket) WHERE path IS NOT NULL AND sha256 IS NULL;

-- Each hold of a call, until it was taken back or the call ended.
CREATE VIEW v_on_hold AS
SELECT t.id AS ticket,
       strftime('%Y-%m-%dT%H:%M:%fZ', h.at) AS began_utc,
       round((julianday(coalesce((SELECT r.at FROM timeline r WHERE r.ticket = h.ticket AND r.what = 'resumed'
                                  AND r.idx > h.idx ORDER BY r.idx LIMIT 1), t.ended_at)) - julianday(h.at)) * 86400, 3)
           AS seconds
FROM timeline h
JOIN ticket t ON t.key = h.ticket
WHERE h.what = 'held';

CREATE VIEW v_facts AS
SELECT t.id                                                        AS ticket,
       t.received_utc                                              AS received_utc,
       f.length_ms / 1000.0                                        AS seconds,
       CASE WHEN f.operator_speech <> '' THEN CAST(f.operator_speech AS INTEGER) / 1000.0 END
                                                                   AS greeting_seconds,
       round(f.operator_spoke_ms * 1.0 / nullif(f.caller_spoke_ms + f.operator_spoke_ms, 0), 3)
                                                                   AS operator_share,
       f.silence_from_ms / 1000.0                                  AS longest_silence_at_seconds,
       (f.silence_to_ms - f.silence_from_ms) / 1000.0              AS longest_silence_seconds,
       (SELECT round(total(h.seconds), 3) FROM v_on_hold h WHERE h.ticket = t.id)
                                                                   AS hold_seconds,
       t.rings                                                     AS rings,
       t.hung_up_first                                             AS hung_up_first,
       f.caller_spoke_ms / 1000.0                                  AS caller_speech_seconds,
       f.caller_talk_over_ms / 1000.0                              AS caller_talk_over_seconds,
       f.caller_cut_ins                                            AS caller_cut_ins,
       round(f.caller_loudness_lufs, 1)                            AS caller_loudness_lufs,
       round(f.caller_peak_dbfs, 1)                                AS caller_peak_dbfs,
       f.caller_clipped_samples                                    AS caller_clipped_samples,
       round(f.caller_noise_dbfs, 1)                               AS caller_noise_dbfs,
       f.operator_spoke_ms / 1000.0                                AS operator_speech_seconds,
       f.operator_talk_over_ms / 1000.0                            AS operator_talk_over_seconds,
       f.operator_cut_ins                                          AS operator_cut_ins,
       round(f.operator_loudness_lufs, 1)                          AS operator_loudness_lufs,
       round(f.operator_peak_dbfs, 1)                              AS operator_peak_dbfs,
       f.operator_clipped_samples                                  AS operator_clipped_samples,
       round(f.operator_noise_dbfs, 1)                             AS operator_noise_dbfs
FROM call_facts f
JOIN ticket t ON t.key = f.ticket;
