-- Persons who were closed long ago are let go: what identifies them is erased, the bare row stays.
--
-- Locks: indexes are built while writes to their tables wait; all but two are partial and as good as
-- empty. Some seconds for each million step-ups and changes of phone.

ALTER TABLE enrollment.person ADD COLUMN closed_at timestamptz, ADD COLUMN purged_at timestamptz;
-- Code of the last release closes without a date: the last change of a closed person is its end.
UPDATE enrollment.person SET closed_at = updated_at WHERE status = 'closed';
-- Never before the 13 months in which a payment may be denied (PSD2 art. 71).
ALTER TABLE enrollment.person ADD CONSTRAINT person_purged_late CHECK (
    purged_at IS NULL OR (status = 'closed' AND closed_at IS NOT NULL
                          AND purged_at - closed_at >= interval '396 days')) NOT VALID;
CREATE INDEX person_closed ON enrollment.person ((coalesce(closed_at, updated_at)))
    WHERE status = 'closed' AND purged_at IS NULL;

-- What is erased is found by its person, and what refers to it by its key. The rows of those who are
-- clients are left out where they can be, so an import is not made slower.
CREATE INDEX person_identifier_ended ON enrollment.person_identifier (person_id) WHERE valid_to IS NOT NULL;
CREATE INDEX phone_not_in_use ON enrollment.phone (person_id) WHERE state IN ('pending', 'retired');
CREATE INDEX card_replacing ON enrollment.card (replaced_by) WHERE replaced_by IS NOT NULL;
CREATE INDEX block_by_card ON enrollment.block (card_id) WHERE card_id IS NOT NULL;
CREATE INDEX step_up_by_phone ON enrollment.step_up (phone_id);
CREATE INDEX phone_change_by_phone ON enrollment.phone_change (phone_id);
CREATE INDEX trusted_merchant_by_person ON enrollment.trusted_merchant (person_id);
CREATE INDEX unblock_request_by_person ON enrollment.unblock_request (person_id);

-- What was declared stays for ever; from where, in which session and by whose hand goes with the person.
CREATE FUNCTION enrollment.guard_consent() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.origin = '' AND NEW.session IS NULL AND NEW.staff IS NULL
       AND (NEW.consent_id, NEW.person_id, NEW.code, NEW.version, NEW.language, NEW.text_sha256, NEW.act,
            NEW.at, NEW.channel)
         = (OLD.consent_id, OLD.person_id, OLD.code, OLD.version, OLD.language, OLD.text_sha256, OLD.act,
            OLD.at, OLD.channel)
       AND EXISTS (SELECT FROM enrollment.person p
                    WHERE p.person_id = OLD.person_id AND p.purged_at IS NOT NULL) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'consent is append-only';
END $$;
DROP TRIGGER consent_append_only ON enrollment.consent;
CREATE TRIGGER consent_append_only BEFORE DELETE OR TRUNCATE ON enrollment.consent
    FOR EACH STATEMENT EXECUTE FUNCTION enrollment.refuse_change();
CREATE TRIGGER consent_guarded BEFORE UPDATE ON enrollment.consent
    FOR EACH ROW EXECUTE FUNCTION enrollment.guard_consent();
