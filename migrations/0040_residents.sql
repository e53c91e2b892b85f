-- Residents, their numbers and key contacts, and the record of every change that a person makes.
-- What each column means to a reader: docs/database.md.

CREATE TABLE resident (
    key      INTEGER PRIMARY KEY,
    estate   TEXT NOT NULL,
    building TEXT NOT NULL,
    unit     TEXT NOT NULL,
    room     TEXT NOT NULL,
    label    TEXT NOT NULL,               -- 3-2-101, to search by
    name     TEXT NOT NULL,
    initials TEXT NOT NULL,               -- wjg, every reading of the name
    title    TEXT,
    premises TEXT NOT NULL,
    notes    TEXT NOT NULL
);
CREATE UNIQUE INDEX resident_by_place ON resident (estate, building, unit, room, name);
CREATE INDEX resident_by_label ON resident (label);

CREATE TABLE resident_number (
    resident  INTEGER NOT NULL REFERENCES resident (key) ON DELETE CASCADE,
    idx       INTEGER NOT NULL,
    number    TEXT NOT NULL,              -- as it was written
    canonical TEXT NOT NULL,              -- digits alone, to compare
    PRIMARY KEY (resident, idx)
) WITHOUT ROWID;
CREATE INDEX resident_number_by_number ON resident_number (canonical);

CREATE TABLE resident_contact (
    resident INTEGER NOT NULL REFERENCES resident (key) ON DELETE CASCADE,
    idx      INTEGER NOT NULL,
    name     TEXT NOT NULL,
    relation TEXT NOT NULL,
    number   TEXT NOT NULL,
    PRIMARY KEY (resident, idx)
) WITHOUT ROWID;

-- Who asked; NULL where nobody of the list did.
ALTER TABLE matter ADD COLUMN resident INTEGER REFERENCES resident (key);

-- Counts up with every change of a resident, so that the daemon knows when its directory is old.
CREATE TABLE directory_revision (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL
);
INSERT INTO directory_revision (one, revision) VALUES (1, 0);

-- Who changed what, when, before and after. Rows are only ever added.
CREATE TABLE audit (
    key     INTEGER PRIMARY KEY,
    at_utc  TEXT NOT NULL,
    by      TEXT NOT NULL,
    subject TEXT NOT NULL,                -- resident, matter, order, visit
    id      INTEGER NOT NULL,             -- the subject's key; 0: all of them
    what    TEXT NOT NULL,
    before  TEXT,
    after   TEXT
);
CREATE INDEX audit_by_subject ON audit (subject, id);
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the record of changes stays'); END;

CREATE VIEW v_resident AS
SELECT r.key                                                       AS id,
       r.estate                                                    AS estate,
       r.building                                                  AS building,
       r.unit                                                      AS unit,
       r.room                                                      AS room,
       r.name                                                      AS name,
       r.title                                                     AS title,
       r.premises                                                  AS premises,
       (SELECT group_concat(n.number, ' ') FROM resident_number n WHERE n.resident = r.key) AS numbers,
       r.notes                                                     AS notes
FROM resident r;

CREATE VIEW v_audit AS
SELECT a.at_utc                                                    AS at_utc,
       a.by                                                        AS by,
       a.subject                                                   AS subject,
       CASE WHEN a.subject = 'matter' THEN printf('%08d-%04d', a.id / 10000000000, a.id % 10000000000)
            ELSE CAST(a.id AS TEXT) END                            AS id,
       a.what                                                      AS what,
       a.before                                                    AS before,
       a.after                                                     AS after
FROM audit a;
