-- Tasks created and finished, week by week; a week without changes has no row.
SELECT scope, week, sum(created)::bigint AS created, sum(closed - reopened)::bigint AS finished
FROM pyrus_report.flow_changes AS flow
JOIN unnest(%(scopes)s::int[], %(forms)s::bigint[], %(projects)s::bigint[]) AS member (scope, form_id, project_id)
    ON member.form_id = coalesce(flow.form_id, 0) AND member.project_id = coalesce(flow.project_id, 0)
CROSS JOIN LATERAL (SELECT date_trunc('week', day::timestamp)::date AS week) AS week
WHERE week = ANY (%(weeks)s)
GROUP BY scope, week
