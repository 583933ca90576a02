-- Payments are reserved together now; what did it for one alone is called by nobody any more.
DROP FUNCTION enrollment.reserve(
    uuid, uuid, uuid, bigint, date, date, boolean, bigint, bigint, integer, integer, bigint, bigint,
    integer, integer, timestamptz);
