-- A bank's own words for what clients agree to, and what happens when an old version runs out.

-- The last day on which consents to earlier versions still count once this one is there; NULL = no
-- end. It is what good_until of the earlier versions was set from.
ALTER TABLE enrollment.consent_text ADD COLUMN must_reaccept_by date;

-- What somebody agreed to stays as it was shown; only its end may be set.
CREATE FUNCTION enrollment.refuse_other_words() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (old.code, old.version, old.language, old.body, old.valid_from)
       IS DISTINCT FROM (new.code, new.version, new.language, new.body, new.valid_from) THEN
        RAISE EXCEPTION 'a consent text does not change; load a new version';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER consent_text_stays BEFORE UPDATE ON enrollment.consent_text
    FOR EACH ROW EXECUTE FUNCTION enrollment.refuse_other_words();

-- How far the clients were gone through whose consent is to a version that ran out: in the order of
-- their ids, up to and with "after". One row a version; once done it stays done.
CREATE TABLE enrollment.consent_sweep (
    code    text        NOT NULL,
    version integer     NOT NULL,
    after   uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    done_at timestamptz,
    PRIMARY KEY (code, version)
);

-- The first version in the two other languages of the pages, unless a bank brought its own since.
INSERT INTO enrollment.consent_text (code, version, language, body, sha256, valid_from)
SELECT code, 1, language, body, sha256(convert_to(body, 'UTF8')), '2026-01-01T00:00:00Z'
  FROM (VALUES
    ('sms_3ds', 'de', 'Ich möchte Online-Zahlungen mit Codes bestätigen, die per SMS an die bei der Bank hinterlegte Nummer gesendet werden.'),
    ('sms_3ds', 'uk', 'Я хочу підтверджувати онлайн-платежі кодами з SMS, які надсилаються на номер, записаний у банку.'),
    ('terms', 'de', 'Ich habe die Bedingungen gelesen und stimme ihnen zu.'),
    ('terms', 'uk', 'Я знаю умови та приймаю їх.')) AS texts (code, language, body)
 WHERE NOT EXISTS (SELECT FROM enrollment.consent_text t WHERE t.code = texts.code AND t.version > 1)
ON CONFLICT DO NOTHING;
