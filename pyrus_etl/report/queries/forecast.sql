-- How soon the backlog would be done; as throughput_forecast, over the forms and projects of each scope.
SELECT scope, backlog::float8 AS backlog, weeks, round(created_mean, 2)::float8 AS created_mean,
       round(pace[1]::numeric, 2)::float8 AS finished_p15,
       round(pace[2]::numeric, 2)::float8 AS finished_p50,
       round(pace[3]::numeric, 2)::float8 AS finished_p85,
       CASE WHEN pace[1] > 0 THEN round(backlog / pace[1]::numeric, 1)::float8 END AS weeks_at_p15,
       CASE WHEN pace[2] > 0 THEN round(backlog / pace[2]::numeric, 1)::float8 END AS weeks_at_p50,
       CASE WHEN pace[3] > 0 THEN round(backlog / pace[3]::numeric, 1)::float8 END AS weeks_at_p85
FROM (
    SELECT scope, sum(open) FILTER (WHERE NOT is_complete) AS backlog, count(*) FILTER (WHERE is_complete) AS weeks,
           avg(created) FILTER (WHERE is_complete) AS created_mean,
           percentile_cont(ARRAY[0.15, 0.5, 0.85]) WITHIN GROUP (ORDER BY finished) FILTER (WHERE is_complete) AS pace
    FROM (
        SELECT scope, week, is_complete, sum(created) AS created, sum(finished) AS finished, sum(open) AS open
        FROM pyrus_report.throughput_weekly AS weekly
        JOIN unnest(%(scopes)s::int[], %(forms)s::bigint[], %(projects)s::bigint[]) AS member (scope, form_id, project_id)
            ON member.form_id = coalesce(weekly.form_id, 0) AND member.project_id = coalesce(weekly.project_id, 0)
        JOIN pyrus_report.clock ON week BETWEEN date_trunc('week', today::timestamp)::date - 12 * 7 AND today
        GROUP BY scope, week, is_complete
    ) AS weekly
    GROUP BY scope
) AS sample
