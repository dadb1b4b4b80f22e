-- How long closed tasks took, in hours, by the week, the month and the whole period in which they were closed.
SELECT scope, grain, since, closed,
       round(hours[1]::numeric, 2)::float8 AS p50,
       round(hours[2]::numeric, 2)::float8 AS p85,
       round(hours[3]::numeric, 2)::float8 AS p95
FROM (
    SELECT scope, grain, since, count(*) AS closed,
           percentile_cont(ARRAY[0.5, 0.85, 0.95]) WITHIN GROUP (ORDER BY cycle_hours::float8) AS hours
    FROM (
        SELECT form_id, project_id, cycle_hours, today, (close_date AT TIME ZONE time_zone)::date AS day
        FROM pyrus_report.cycle_times CROSS JOIN pyrus_report.clock WHERE close_date IS NOT NULL
    ) AS closed
    JOIN unnest(%(scopes)s::int[], %(forms)s::bigint[], %(projects)s::bigint[]) AS member (scope, form_id, project_id)
        ON member.form_id = coalesce(closed.form_id, 0) AND member.project_id = coalesce(closed.project_id, 0)
    CROSS JOIN LATERAL (
        SELECT 'week' AS grain, date_trunc('week', day::timestamp)::date AS since
      UNION ALL SELECT 'month', date_trunc('month', day::timestamp)::date
      UNION ALL SELECT 'period', today - days FROM unnest(%(periods)s::int[]) AS days WHERE day > today - days
    ) AS stretch
    WHERE day > today - %(longest)s AND day <= today AND (grain <> 'week' OR since = ANY (%(last_weeks)s))
    GROUP BY scope, grain, since
) AS taken
