-- Payments take their shares by reserve_shares now; what did it before is called by nobody any more.
DROP FUNCTION enrollment.reserve_together(
    uuid[], uuid[], uuid[], bigint[], date[], date[], boolean[], bigint[], bigint[], integer[],
    integer[], bigint[], bigint[], integer[], integer[], timestamptz[]);
