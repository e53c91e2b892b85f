-- What is followed to its end: matters with their clocks, orders and visits, and tickets that are no
-- calls. What each column means to a reader: docs/database.md.

ALTER TABLE matter ADD COLUMN way TEXT NOT NULL DEFAULT 'hotline';
ALTER TABLE matter ADD COLUMN rush INTEGER NOT NULL DEFAULT 0;
ALTER TABLE matter ADD COLUMN severity TEXT;
ALTER TABLE matter ADD COLUMN parties TEXT NOT NULL DEFAULT 'one';
ALTER TABLE matter ADD COLUMN complex INTEGER NOT NULL DEFAULT 0;
-- The place and the name as they were when they were told, whoever lives there later.
ALTER TABLE matter ADD COLUMN estate TEXT NOT NULL DEFAULT '';
ALTER TABLE matter ADD COLUMN building TEXT NOT NULL DEFAULT '';
ALTER TABLE matter ADD COLUMN unit TEXT NOT NULL DEFAULT '';
ALTER TABLE matter ADD COLUMN room TEXT NOT NULL DEFAULT '';
ALTER TABLE matter ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE matter ADD COLUMN number TEXT;
ALTER TABLE matter ADD COLUMN department TEXT NOT NULL DEFAULT '';
ALTER TABLE matter ADD COLUMN summary TEXT NOT NULL DEFAULT '';
ALTER TABLE matter ADD COLUMN completed_at TEXT;
ALTER TABLE matter ADD COLUMN answered_at TEXT;
ALTER TABLE matter ADD COLUMN answer TEXT NOT NULL DEFAULT '';
ALTER TABLE matter ADD COLUMN closed_at TEXT;
ALTER TABLE matter ADD COLUMN closed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE matter ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0;
ALTER TABLE matter ADD COLUMN merged_into INTEGER REFERENCES matter (key);
CREATE INDEX matter_written ON matter (key) WHERE kind IS NOT NULL;
CREATE INDEX matter_to_do ON matter (key) WHERE kind IS NOT NULL AND state IN ('open', 'done');
CREATE INDEX matter_by_kind ON matter (kind, key) WHERE kind IS NOT NULL;
CREATE INDEX matter_by_owner ON matter (owner, key);
CREATE INDEX matter_by_department ON matter (department, key) WHERE department <> '';
CREATE INDEX matter_by_resident ON matter (resident, key) WHERE resident IS NOT NULL;
CREATE INDEX matter_merged ON matter (merged_into) WHERE merged_into IS NOT NULL;

-- What is written about matters, in pairs of characters, so that any word of it is found.
CREATE VIRTUAL TABLE matter_text USING fts5 (words, content = '', contentless_delete = 1);

CREATE TABLE matter_field (
    matter INTEGER NOT NULL REFERENCES matter (key),
    field  TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (matter, field)
) WITHOUT ROWID;

CREATE TABLE promise (
    matter  INTEGER NOT NULL REFERENCES matter (key),
    idx     INTEGER NOT NULL,
    what    TEXT NOT NULL,
    by      TEXT NOT NULL,
    made_at TEXT NOT NULL,
    due_at  TEXT NOT NULL,
    due_utc TEXT NOT NULL,
    kept_at TEXT,
    PRIMARY KEY (matter, idx)
) WITHOUT ROWID;
CREATE INDEX promise_open ON promise (due_utc) WHERE kept_at IS NULL;

CREATE TABLE pass (
    matter      INTEGER NOT NULL REFERENCES matter (key),
    idx         INTEGER NOT NULL,
    department  TEXT NOT NULL,
    person      TEXT NOT NULL,
    by          TEXT NOT NULL,
    at          TEXT NOT NULL,
    why         TEXT NOT NULL,
    returned_at TEXT,
    result      TEXT,
    PRIMARY KEY (matter, idx)
) WITHOUT ROWID;

-- due_utc is what the calendar made of it when the matter was last written; NULL while it stands still.
CREATE TABLE clock (
    matter      INTEGER NOT NULL REFERENCES matter (key),
    idx         INTEGER NOT NULL,
    name        TEXT NOT NULL,
    started_at  TEXT NOT NULL,
    time_limit  TEXT NOT NULL,
    agreed_at   TEXT,
    ended_at    TEXT,
    void        INTEGER NOT NULL DEFAULT 0,
    due_utc     TEXT,
    PRIMARY KEY (matter, idx)
) WITHOUT ROWID;
CREATE INDEX clock_running ON clock (due_utc) WHERE ended_at IS NULL AND due_utc IS NOT NULL;

CREATE TABLE stop (
    matter    INTEGER NOT NULL REFERENCES matter (key),
    idx       INTEGER NOT NULL,
    from_utc  TEXT NOT NULL,
    until_utc TEXT,
    reason    TEXT NOT NULL,
    PRIMARY KEY (matter, idx)
) WITHOUT ROWID;

-- A ticket that is no call of ours: a visit to the counter, a form, a call taken on the mobile. Its key
-- is of the same numbers as a call's.
CREATE TABLE contact (
    key          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL,
    matter       INTEGER NOT NULL REFERENCES matter (key),
    way          TEXT NOT NULL,
    received_at  TEXT NOT NULL,
    received_utc TEXT NOT NULL,
    by           TEXT NOT NULL,
    name         TEXT NOT NULL,
    number       TEXT,
    words        TEXT NOT NULL
);
CREATE UNIQUE INDEX contact_by_id ON contact (id);
CREATE INDEX contact_by_matter ON contact (matter);

-- Whom we called back.
CREATE INDEX ticket_out_by_dialled ON ticket (dialled) WHERE direction = 'out';

CREATE TABLE work_order (
    key                INTEGER PRIMARY KEY AUTOINCREMENT,
    matter             INTEGER NOT NULL REFERENCES matter (key),
    extent             TEXT NOT NULL,
    rush               INTEGER NOT NULL,
    crew               TEXT NOT NULL,
    made_at            TEXT NOT NULL,
    made_by            TEXT NOT NULL,
    from_at            TEXT,
    from_utc           TEXT,
    to_at              TEXT,
    crew_agreed_at     TEXT,
    resident_agreed_at TEXT,
    dispatched_at      TEXT,
    arrived_at         TEXT,
    finished_at        TEXT,
    work               TEXT NOT NULL,
    labour_fen         INTEGER NOT NULL,
    accepted_at        TEXT,
    accepted_by        TEXT,
    opinion            TEXT,
    returned_at        TEXT,
    second_of          INTEGER REFERENCES work_order (key),
    cancelled_at       TEXT
);
CREATE INDEX work_order_by_matter ON work_order (matter);
CREATE INDEX work_order_expected ON work_order (from_utc)
    WHERE from_utc IS NOT NULL AND arrived_at IS NULL AND finished_at IS NULL AND cancelled_at IS NULL;
CREATE INDEX work_order_to_do ON work_order (key) WHERE returned_at IS NULL AND cancelled_at IS NULL;

CREATE TABLE work_order_part (
    work_order INTEGER NOT NULL REFERENCES work_order (key),
    idx        INTEGER NOT NULL,
    name       TEXT NOT NULL,
    quantity   TEXT NOT NULL,
    price_fen  INTEGER NOT NULL,
    PRIMARY KEY (work_order, idx)
) WITHOUT ROWID;

CREATE TABLE builder_notice (
    key         INTEGER PRIMARY KEY AUTOINCREMENT,
    matter      INTEGER NOT NULL REFERENCES matter (key),
    builder     TEXT NOT NULL,
    what        TEXT NOT NULL,
    sent_at     TEXT NOT NULL,
    reminded_at TEXT NOT NULL,            -- one time a line
    answered_at TEXT,
    answer      TEXT
);
CREATE INDEX builder_notice_by_matter ON builder_notice (matter);

CREATE TABLE visit (
    key          INTEGER PRIMARY KEY AUTOINCREMENT,
    matter       INTEGER NOT NULL REFERENCES matter (key),
    kind         TEXT NOT NULL,
    visitor      TEXT NOT NULL,
    completed_at TEXT NOT NULL,
    from_day     TEXT NOT NULL,
    until_day    TEXT NOT NULL,
    state        TEXT NOT NULL,
    next_utc     TEXT NOT NULL,
    tries        INTEGER NOT NULL,
    finished     INTEGER,
    quality      TEXT,
    effect       TEXT,
    satisfied    INTEGER,
    shortcomings TEXT,
    suggestions  TEXT,
    ended_at     TEXT,
    by           TEXT NOT NULL
);
CREATE INDEX visit_by_matter ON visit (matter);
CREATE INDEX visit_waiting ON visit (until_day) WHERE state = 'waiting';
CREATE INDEX visit_by_until ON visit (until_day);

CREATE VIEW v_followed AS
SELECT printf('%08d-%04d', m.key / 10000000000, m.key % 10000000000) AS id,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.opened_at)                 AS opened_utc,
       substr(m.opened_at, 1, 23)                                  AS opened_local,
       m.way                                                       AS way,
       m.owner                                                     AS owner,
       m.kind                                                      AS kind,
       m.rush                                                      AS rush,
       m.severity                                                  AS severity,
       m.parties                                                   AS parties,
       m.complex                                                   AS complex,
       m.estate                                                    AS estate,
       m.building                                                  AS building,
       m.unit                                                      AS unit,
       m.room                                                      AS room,
       m.name                                                      AS name,
       m.number                                                    AS number,
       m.department                                                AS department,
       m.summary                                                   AS summary,
       m.state                                                     AS state,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.completed_at)              AS completed_utc,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.answered_at)               AS answered_utc,
       m.answer                                                    AS answer,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.closed_at)                 AS closed_utc,
       m.closed_by                                                 AS closed_by,
       m.reopened                                                  AS reopened,
       CASE WHEN m.merged_into IS NOT NULL
            THEN printf('%08d-%04d', m.merged_into / 10000000000, m.merged_into % 10000000000) END AS merged_into
FROM matter m
WHERE m.kind IS NOT NULL OR m.state <> 'open';

CREATE VIEW v_clock AS
SELECT printf('%08d-%04d', c.matter / 10000000000, c.matter % 10000000000) AS matter,
       c.name                                                      AS name,
       strftime('%Y-%m-%dT%H:%M:%fZ', c.started_at)                AS started_utc,
       c.time_limit                                                AS time_limit,
       strftime('%Y-%m-%dT%H:%M:%fZ', c.agreed_at)                 AS agreed_utc,
       c.due_utc                                                   AS due_utc,
       strftime('%Y-%m-%dT%H:%M:%fZ', c.ended_at)                  AS ended_utc,
       c.void                                                      AS void
FROM clock c;

CREATE VIEW v_contact AS
SELECT c.id                                                        AS id,
       printf('%08d-%04d', c.matter / 10000000000, c.matter % 10000000000) AS matter,
       c.way                                                       AS way,
       c.received_utc                                              AS received_utc,
       c.by                                                        AS by,
       c.name                                                      AS name,
       c.number                                                    AS number,
       c.words                                                     AS words
FROM contact c;

CREATE VIEW v_work_order AS
SELECT printf('P%06d', w.key)                                      AS id,
       printf('%08d-%04d', w.matter / 10000000000, w.matter % 10000000000) AS matter,
       w.extent                                                    AS extent,
       w.rush                                                      AS rush,
       w.crew                                                      AS crew,
       strftime('%Y-%m-%dT%H:%M:%fZ', w.made_at)                   AS made_utc,
       w.from_utc                                                  AS appointment_from_utc,
       strftime('%Y-%m-%dT%H:%M:%fZ', w.to_at)                     AS appointment_to_utc,
       strftime('%Y-%m-%dT%H:%M:%fZ', w.dispatched_at)             AS dispatched_utc,
       strftime('%Y-%m-%dT%H:%M:%fZ', w.arrived_at)                AS arrived_utc,
       strftime('%Y-%m-%dT%H:%M:%fZ', w.finished_at)               AS finished_utc,
       w.work                                                      AS work,
       (w.labour_fen + (SELECT ifnull(sum(p.price_fen), 0) FROM work_order_part p WHERE p.work_order = w.key)) / 100.0
                                                                   AS charge_yuan,
       strftime('%Y-%m-%dT%H:%M:%fZ', w.accepted_at)               AS accepted_utc,
       w.opinion                                                   AS opinion,
       strftime('%Y-%m-%dT%H:%M:%fZ', w.returned_at)               AS returned_utc,
       strftime('%Y-%m-%dT%H:%M:%fZ', w.cancelled_at)              AS cancelled_utc
FROM work_order w;

CREATE VIEW v_visit AS
SELECT v.key                                                       AS id,
       printf('%08d-%04d', v.matter / 10000000000, v.matter % 10000000000) AS matter,
       v.kind                                                      AS kind,
       v.visitor                                                   AS visitor,
       v.from_day                                                  AS from_day,
       v.until_day                                                 AS until_day,
       v.state                                                     AS state,
       v.next_utc                                                  AS next_utc,
       v.tries                                                     AS tries,
       v.finished                                                  AS finished,
       v.satisfied                                                 AS satisfied,
       v.quality                                                   AS quality,
       v.effect                                                    AS effect,
       v.shortcomings                                              AS shortcomings,
       v.suggestions                                               AS suggestions,
       strftime('%Y-%m-%dT%H:%M:%fZ', v.ended_at)                  AS ended_utc
FROM visit v;
