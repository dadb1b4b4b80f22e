-- Open and done tasks at the end of the last days and weeks. A change counts at the first of these points on or after
-- its day; a point without changes repeats the previous one.
WITH axis AS (
    SELECT array_agg(day ORDER BY day) AS points
    FROM (SELECT unnest(%(days)s::date[]) AS day UNION SELECT unnest(%(week_ends)s::date[])) AS shown
), changed AS (
    SELECT scope, 1 + width_bucket(day - 1, points) AS point_no,
           sum(created) AS created, sum(created + reopened - closed) AS opened
    FROM pyrus_report.flow_changes AS flow
    JOIN unnest(%(scopes)s::int[], %(forms)s::bigint[], %(projects)s::bigint[]) AS member (scope, form_id, project_id)
        ON member.form_id = coalesce(flow.form_id, 0) AND member.project_id = coalesce(flow.project_id, 0)
    CROSS JOIN axis
    GROUP BY scope, point_no
), cumulated AS (
    SELECT scope, point_no, lead(point_no) OVER line AS next_no,
           sum(opened) OVER line AS open, sum(created - opened) OVER line AS done
    FROM changed WINDOW line AS (PARTITION BY scope ORDER BY point_no)
)
SELECT scope, points[shown_no] AS day, open::bigint, done::bigint
FROM cumulated CROSS JOIN axis
CROSS JOIN LATERAL generate_series(point_no, coalesce(next_no - 1, cardinality(points))) AS shown_no
