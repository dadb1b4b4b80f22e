-- What came in and what was finished, week by week.
SELECT scope, week, sum(created)::bigint AS created, sum(finished)::bigint AS finished
FROM pyrus_report.throughput_weekly AS weekly
JOIN unnest(%(scopes)s::int[], %(forms)s::bigint[], %(projects)s::bigint[]) AS member (scope, form_id, project_id)
    ON member.form_id = coalesce(weekly.form_id, 0) AND member.project_id = coalesce(weekly.project_id, 0)
WHERE week = ANY (%(weeks)s)
GROUP BY scope, week
