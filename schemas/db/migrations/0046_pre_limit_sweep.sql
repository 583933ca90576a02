-- Up to and with which transaction clients were told of payments that a limit refused. One row.
CREATE TABLE acs.limit_sweep (
    is_the_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_row),
    after      uuid    NOT NULL
);
INSERT INTO acs.limit_sweep (after) VALUES ('00000000-0000-0000-0000-000000000000');
