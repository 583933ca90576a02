-- Bulk imports: how far each one got, and which lines it refused. No line's content stands here.

-- bytes_done and lines_done are the place from which an interrupted import goes on: everything up
-- to there is committed. sha256 tells that it is the same file; NULL = read once, as it came.
CREATE TABLE enrollment.import_run (
    run_id      uuid        PRIMARY KEY,
    sha256      bytea       CHECK (length(sha256) = 32),
    caller      text        NOT NULL CHECK (length(caller) <= 100),
    state       text        NOT NULL CHECK (state IN ('running', 'done')),
    bytes_total bigint      CHECK (bytes_total >= 0),
    bytes_done  bigint      NOT NULL DEFAULT 0 CHECK (bytes_done >= 0),
    lines_done  bigint      NOT NULL DEFAULT 0 CHECK (lines_done >= 0),
    created     bigint      NOT NULL DEFAULT 0 CHECK (created >= 0),
    changed     bigint      NOT NULL DEFAULT 0 CHECK (changed >= 0),
    unchanged   bigint      NOT NULL DEFAULT 0 CHECK (unchanged >= 0),
    refused     bigint      NOT NULL DEFAULT 0 CHECK (refused >= 0),
    started_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    CHECK (bytes_done <= bytes_total),
    CHECK (created + changed + unchanged + refused = lines_done)
);
CREATE INDEX import_run_unfinished
    ON enrollment.import_run (sha256, started_at) WHERE state = 'running';

CREATE TABLE enrollment.import_error (
    run_id uuid   NOT NULL REFERENCES enrollment.import_run (run_id),
    line   bigint NOT NULL CHECK (line >= 1),
    code   text   NOT NULL CHECK (length(code) <= 60),
    field  text   CHECK (length(field) <= 100),
    PRIMARY KEY (run_id, line)
);
