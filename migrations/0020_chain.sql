-- The chain of proof: docs/evidence.md says what it shows and what it does not.

-- Grows only. A digest is SHA-256(salt ‖ content), and the content is the rows that it speaks of; a
-- link is SHA-256 over the link before and the entry. Without a salt a digest says nothing: it is
-- taken away when a newer entry of the same subject replaces this one, and when the content is erased.
CREATE TABLE chain (
    seq     INTEGER PRIMARY KEY,      -- 1, 2, 3 … without gaps
    at_utc  TEXT NOT NULL,
    kind    TEXT NOT NULL,            -- ticket, recording, access, certificate
    subject INTEGER NOT NULL,         -- a ticket's key, or the key in access_log or certificate
    salt    BLOB,
    digest  BLOB NOT NULL,
    link    BLOB NOT NULL
);
CREATE INDEX chain_by_subject ON chain (subject, kind);

CREATE TRIGGER chain_keeps_entries BEFORE DELETE ON chain
BEGIN SELECT RAISE(ABORT, 'the chain grows only'); END;
CREATE TRIGGER chain_keeps_links BEFORE UPDATE OF seq, at_utc, kind, subject, digest, link ON chain
BEGIN SELECT RAISE(ABORT, 'the chain grows only'); END;

-- Who heard, saw or took away what.
CREATE TABLE access_log (
    key    INTEGER PRIMARY KEY,
    at_utc TEXT NOT NULL,
    who    TEXT NOT NULL,
    what   TEXT NOT NULL,             -- listened, exported, looked up, …
    ticket INTEGER,                   -- NULL: about no single ticket
    words  TEXT NOT NULL              -- which part, by which filter, where to
);
CREATE INDEX access_by_ticket ON access_log (ticket) WHERE ticket IS NOT NULL;
CREATE INDEX access_by_time ON access_log (at_utc);

-- What was erased, and why; never what it said.
CREATE TABLE certificate (
    key        INTEGER PRIMARY KEY,
    at_utc     TEXT NOT NULL,
    ticket     INTEGER NOT NULL,
    erased     TEXT NOT NULL,         -- recording, ticket
    reason     TEXT NOT NULL,
    ordered_by TEXT NOT NULL,
    path       TEXT,                  -- the file, where there was one
    sha256     TEXT                   -- and what it had been
);
CREATE INDEX certificate_by_ticket ON certificate (ticket);

-- SHA-256 of the closed file, in hex; NULL until somebody has read it.
ALTER TABLE recording ADD COLUMN sha256 TEXT;

CREATE VIEW v_access AS
SELECT a.at_utc AS at_utc,
       a.who    AS who,
       a.what   AS what,
       CASE WHEN a.ticket IS NOT NULL
            THEN printf('%08d-%04d', a.ticket / 10000000000, a.ticket % 10000000000) END AS ticket,
       a.words  AS words
FROM access_log a;

CREATE VIEW v_certificate AS
SELECT c.at_utc     AS at_utc,
       printf('%08d-%04d', c.ticket / 10000000000, c.ticket % 10000000000) AS ticket,
       c.erased     AS erased,
       c.reason     AS reason,
       c.ordered_by AS ordered_by,
       c.path       AS path,
       c.sha256     AS sha256
FROM certificate c;
