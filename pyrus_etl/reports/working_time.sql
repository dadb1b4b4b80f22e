WITH hours AS (  -- holidays without working hours: all other days count whole
    SELECT weekday, starts, ends FROM pyrus.working_hours
  UNION ALL
    SELECT weekday, '00:00', '24:00' FROM generate_series(1, 7) AS weekday
    WHERE NOT EXISTS (SELECT FROM pyrus.working_hours)
), day AS (
    SELECT day::date AS day, extract(isodow FROM day)::int AS weekday
    FROM generate_series(timestamp '2000-01-01', timestamp '2099-12-31', interval '1 day') AS day
    WHERE EXISTS (SELECT FROM pyrus.working_hours) OR EXISTS (SELECT FROM pyrus.holidays)
), wanted AS MATERIALIZED (
    SELECT starts_at, ends_at,
           coalesce(sum(extract(epoch FROM ends_at - starts_at))
                        OVER (ORDER BY starts_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS worked_before
    FROM (  -- shifts that overlap or follow one another without a break are one period
        SELECT min(starts_at) AS starts_at, max(ends_at) AS ends_at FROM (
            SELECT starts_at, ends_at, count(*) FILTER (WHERE is_apart) OVER (ORDER BY starts_at, ends_at) AS period_no
            FROM (
                SELECT starts_at, ends_at,
                       starts_at > max(ends_at) OVER (ORDER BY starts_at, ends_at
                                                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS is_apart
                FROM (
                    SELECT (day + starts) AT TIME ZONE time_zone AS starts_at,
                           (day + (ends <= starts)::int + ends) AT TIME ZONE time_zone AS ends_at
                    FROM (
                        SELECT day, starts, ends FROM day JOIN hours USING (weekday)
                        WHERE day NOT IN (SELECT day FROM pyrus.holidays)
                      UNION ALL
                        SELECT day, starts, ends FROM pyrus.holidays WHERE starts IS NOT NULL
                    ) AS shift CROSS JOIN pyrus.report_settings
                ) AS shift
                WHERE starts_at < ends_at
            ) AS shift
        ) AS shift GROUP BY period_no
    ) AS period
  UNION ALL  -- the clock
    SELECT '0001-01-01 00:00+00', 'infinity', 0
    WHERE NOT EXISTS (SELECT FROM pyrus.working_hours) AND NOT EXISTS (SELECT FROM pyrus.holidays)
), gone AS (
    DELETE FROM pyrus.working_periods WHERE starts_at NOT IN (SELECT starts_at FROM wanted)
)
INSERT INTO pyrus.working_periods AS kept (starts_at, ends_at, worked_before)
SELECT starts_at, ends_at, worked_before FROM wanted
ON CONFLICT (starts_at) DO UPDATE SET ends_at = excluded.ends_at, worked_before = excluded.worked_before
WHERE (kept.ends_at, kept.worked_before) <> (excluded.ends_at, excluded.worked_before)
