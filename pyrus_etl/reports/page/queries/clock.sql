-- The present time of the reports, and the run that the data come from; one row.
SELECT extract(epoch FROM now)::float8 AS made_at,
       to_char(now AT TIME ZONE time_zone, 'YYYY-MM-DD HH24:MI') AS made,
       today, time_zone,
       extract(epoch FROM fresh.complete_started_at)::float8 AS synced_at,
       to_char(fresh.complete_started_at AT TIME ZONE time_zone, 'YYYY-MM-DD HH24:MI') AS synced,
       coalesce(fresh.is_late, false) AS is_late,
       coalesce(fresh.is_failing, false) AS is_failing
FROM pyrus_report.clock
LEFT JOIN (
    SELECT max(complete_started_at) AS complete_started_at,
           bool_or(is_overdue) AS is_late,
           (array_agg(latest_status ORDER BY latest_started_at DESC))[1] = 'failed' AS is_failing
    FROM pyrus_report.sync_freshness WHERE kind IN ('backfill', 'sync', 'reconcile')
) AS fresh ON true
