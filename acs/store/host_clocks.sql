-- Whose clock is wrong: what the database's says, and how far each machine's is ahead of it.

-- name: ask
-- The database's time of day, and whether it runs on the machine that asks.
SELECT clock_timestamp() AS at, inet_client_addr() IS NOT DISTINCT FROM inet_server_addr() AS is_beside;

-- name: tell
-- Writes down what was found, forgets machines of which nothing was heard for long, and reads what the
-- others found a moment ago. By the database's clock alone; what it said before it was set anew is not read.
WITH told AS (
    INSERT INTO acs.host_clock (host, ahead_s, is_beside, told_at)
    VALUES (:host, :ahead_s, :is_beside, clock_timestamp())
    ON CONFLICT (host) DO UPDATE
       SET ahead_s = excluded.ahead_s, is_beside = excluded.is_beside, told_at = excluded.told_at),
gone AS (
    DELETE FROM acs.host_clock WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM acs.host_clock
         WHERE host <> :host AND told_at < now() - interval '1 day' FOR UPDATE SKIP LOCKED)))
SELECT ahead_s, is_beside FROM acs.host_clock
 WHERE host <> :host AND told_at BETWEEN now() - :fresh::interval AND now() + :fresh::interval;
