-- Notes by hour of the week, over all months that overlap the period.
SELECT scope, days, weekday, hour, sum(events)::bigint AS events
FROM pyrus_report.workload_heatmap AS heat
JOIN unnest(%(scopes)s::int[], %(forms)s::bigint[], %(projects)s::bigint[]) AS member (scope, form_id, project_id)
    ON member.form_id = coalesce(heat.form_id, 0) AND member.project_id = coalesce(heat.project_id, 0)
CROSS JOIN pyrus_report.clock
JOIN unnest(%(periods)s::int[]) AS days ON month >= date_trunc('month', (today - days)::timestamp)::date
WHERE kind = 'note' AND month <= today
GROUP BY scope, days, weekday, hour
