-- What is due, and what was closed, within a period.
CREATE INDEX clock_by_due ON clock (due_utc) WHERE void = 0;
CREATE INDEX matter_by_closed ON matter (closed_at) WHERE closed_at IS NOT NULL;
