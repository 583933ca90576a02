"""The laws that stand in the tables, each as a query for what breaks it.

Stories, simulated lives and `make chaos` end with them.
"""

AT_ANY_TIME = {
    "an ended challenge owes exactly one result": """
        SELECT acs_trans_id::text FROM acs.transaction t
        WHERE (state IN ('result', 'closed')) <> EXISTS (
            SELECT FROM acs.result r WHERE r.acs_trans_id = t.acs_trans_id)""",
    "a result is settled when its challenge is closed": """
        SELECT t.acs_trans_id::text FROM acs.transaction t JOIN acs.result r USING (acs_trans_id)
        WHERE (t.state = 'closed') <> (r.state IN ('delivered', 'unconfirmed', 'abandoned'))""",
    "a Y rests on a used code, and a used code on a Y": """
        SELECT t.acs_trans_id::text FROM acs.transaction t
        LEFT JOIN otp.code c ON c.challenge_id = t.acs_trans_id
        WHERE t.trans_status = 'C'
          AND (t.outcome_status = 'Y') IS DISTINCT FROM (t.outcome_status IS NOT NULL
               AND coalesce(c.phase = 'used', false))
          AND (t.outcome_status IS NOT NULL OR c.phase = 'used')
          AND (c.challenge_id IS NOT NULL OR t.created_at > (  -- codes are let go after two days
              SELECT max(created_at) - interval '2 days' FROM acs.transaction))""",
    "three attempts at most": """
        SELECT t.acs_trans_id::text FROM acs.transaction t
        LEFT JOIN otp.code c ON c.challenge_id = t.acs_trans_id
        WHERE t.attempts > 3 OR c.attempts > 3""",
    "no code of an ended challenge can be accepted": """
        SELECT t.acs_trans_id::text FROM acs.transaction t
        JOIN otp.code c ON c.challenge_id = t.acs_trans_id
        WHERE t.state IN ('result', 'closed') AND (c.phase = 'live' OR c.mac IS NOT NULL)""",
    "every outcome has its evidence, and nothing else has": """
        SELECT t.acs_trans_id::text FROM acs.transaction t
        LEFT JOIN audit.evidence v USING (acs_trans_id)
        WHERE (t.state IN ('done', 'result', 'closed')) <> (v.acs_trans_id IS NOT NULL)
           OR v.acs_trans_id IS NOT NULL
              AND coalesce(v.document -> 'out' ->> 'st', v.document ->> 'st')
                  IS DISTINCT FROM coalesce(t.outcome_status, t.trans_status)""",
    "the log tells of every document as it is": """
        SELECT v.acs_trans_id::text FROM audit.evidence v
        WHERE (SELECT array_agg(e.details ->> 'evidence') FROM audit.event e
               WHERE e.object = v.acs_trans_id::text AND e.details ->> 'evidence' IS NOT NULL)
           IS DISTINCT FROM ARRAY[encode(sha256(convert_to(v.document::text, 'UTF8')), 'hex')]""",
    "no clock runs for an ended challenge": """
        SELECT t.acs_trans_id::text FROM acs.transaction t JOIN acs.timer m USING (acs_trans_id)
        WHERE t.state IN ('result', 'closed', 'done')""",
    "a clock runs for every open challenge": """
        SELECT t.acs_trans_id::text FROM acs.transaction t
        WHERE t.state IN ('wait_creq', 'challenge')
          AND NOT EXISTS (SELECT FROM acs.timer m WHERE m.acs_trans_id = t.acs_trans_id)""",
    "use is held, counted or given back as the outcome says": """
        SELECT r.acs_trans_id::text FROM enrollment.reservation r
        JOIN acs.transaction t USING (acs_trans_id)
        WHERE r.state NOT IN ('lapsed') AND r.state <> CASE
            WHEN t.trans_status = 'Y' OR t.outcome_status = 'Y' THEN 'counted'
            WHEN t.outcome_status IS NULL THEN 'held' ELSE 'released' END""",
    "the counters are the sum of what is held and counted": """
        WITH shares AS (
            SELECT o.owner_id, p.period, p.starts_on, sum(r.amount) AS amount, count(*) AS count
            FROM enrollment.reservation r,
                 LATERAL (VALUES (r.card_id), (r.account_id)) AS o (owner_id),
                 LATERAL (VALUES ('day', r.day), ('month', r.month)) AS p (period, starts_on)
            WHERE r.state IN ('held', 'counted') GROUP BY 1, 2, 3)
        SELECT coalesce(u.owner_id, s.owner_id)::text FROM enrollment.usage u
        FULL JOIN shares s USING (owner_id, period, starts_on)
        WHERE coalesce(u.amount, 0) <> coalesce(s.amount, 0)
           OR coalesce(u.count, 0) <> coalesce(s.count, 0)""",
    "the card number is not kept when the result is settled": """
        SELECT acs_trans_id::text FROM acs.transaction
        WHERE pan_sealed IS NOT NULL AND state IN ('closed', 'done')""",
    "the proof is not kept when the result is settled": """
        SELECT acs_trans_id::text FROM acs.result
        WHERE rreq_sealed IS NOT NULL AND state IN ('delivered', 'unconfirmed', 'abandoned')""",
    "an open challenge in an app has its session": """
        SELECT t.acs_trans_id::text FROM acs.transaction t
        WHERE t.state IN ('wait_creq', 'challenge', 'result') AND t.device_channel = '01'
          AND NOT EXISTS (SELECT FROM acs.sdk_session s WHERE s.acs_trans_id = t.acs_trans_id)""",
    "a counter of an SDK is taken once": """
        SELECT s.acs_trans_id::text FROM acs.sdk_session s
        CROSS JOIN LATERAL (
            SELECT count(*) AS taken, count(DISTINCT l.body ->> 'sdkCounterStoA') AS counters
            FROM acs.message_log l
            WHERE l.acs_trans_id = s.acs_trans_id
              AND l.direction = 'in' AND l.message_type = 'CReq') m
        WHERE m.taken <> s.counter + 1 OR m.counters <> m.taken""",
    "only a challenge has a counter": """
        SELECT s.acs_trans_id::text FROM acs.sdk_session s
        WHERE (s.counter >= 0 OR s.creq_digest IS NOT NULL OR s.pin_sealed IS NOT NULL)
          AND NOT EXISTS (SELECT FROM acs.transaction t WHERE t.acs_trans_id = s.acs_trans_id)""",
    "no PIN waits when its challenge is over": """
        SELECT s.acs_trans_id::text FROM acs.sdk_session s
        JOIN acs.transaction t USING (acs_trans_id)
        WHERE s.pin_sealed IS NOT NULL AND t.state NOT IN ('wait_creq', 'challenge')""",
}
"""What holds between any two transactions of the database."""

AT_REST = {
    "a challenge is still open": "SELECT acs_trans_id FROM acs.transaction"
    " WHERE state NOT IN ('done', 'closed')",
    "a result is still on its way": "SELECT acs_trans_id FROM acs.result"
    " WHERE state IN ('queued', 'sending')",
    "a clock still runs": "SELECT acs_trans_id FROM acs.timer",
    "a message is still on its way": "SELECT sms_id FROM otp.outbox"
    " WHERE state IN ('queued', 'sending')",
    "a share is still held": "SELECT acs_trans_id FROM enrollment.reservation WHERE state = 'held'",
}
"""What is left when nothing happens any more: nothing."""

AN_HOUR_LATER = {
    "a key or a PIN of an SDK is still kept": """
        SELECT acs_trans_id::text FROM acs.sdk_session
        WHERE key_sealed IS NOT NULL OR pin_sealed IS NOT NULL""",
}
"""What is left when an hour more is over, in which a worker ran: nothing, whosever it was."""
