-- The age of open tasks.
SELECT scope, bucket_no, bucket, sum(open)::bigint AS open, sum(overdue)::bigint AS overdue
FROM pyrus_report.backlog_age AS age
JOIN unnest(%(scopes)s::int[], %(forms)s::bigint[], %(projects)s::bigint[]) AS member (scope, form_id, project_id)
    ON member.form_id = coalesce(age.form_id, 0) AND member.project_id = coalesce(age.project_id, 0)
GROUP BY scope, bucket_no, bucket
