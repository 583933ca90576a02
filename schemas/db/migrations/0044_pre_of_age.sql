-- Cards whose holders are too young, looked at anew once a day: a birthday is no change of any row.
CREATE INDEX enrolment_of_the_young ON enrollment.enrolment (card_id)
    WHERE reason IN ('too_young', 'minor_not_allowed');

-- How far they were gone through on that day (Europe/Warsaw): in the order of their ids, up to and with
-- "after". One row; once done it rests until another day.
CREATE TABLE enrollment.age_sweep (
    is_the_row boolean     PRIMARY KEY DEFAULT true CHECK (is_the_row),
    day        date        NOT NULL,
    after      uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    done_at    timestamptz
);
INSERT INTO enrollment.age_sweep (day) VALUES ('2026-01-01');
