-- What is open and what was done, at the end of the last days and of the last weeks.
SELECT scope, day, sum(open)::bigint AS open, sum(done_total)::bigint AS done
FROM pyrus_report.flow_daily AS flow
JOIN unnest(%(scopes)s::int[], %(forms)s::bigint[], %(projects)s::bigint[]) AS member (scope, form_id, project_id)
    ON member.form_id = coalesce(flow.form_id, 0) AND member.project_id = coalesce(flow.project_id, 0)
WHERE day = ANY (%(days)s) OR day = ANY (%(week_ends)s)
GROUP BY scope, day
