CREATE OR REPLACE VIEW pyrus_report.process_variants AS
SELECT form_id, form, rank() OVER (PARTITION BY form_id ORDER BY count(*) DESC) AS variant_rank, path,
       cardinality(string_to_array(path, ' → ')) AS step_count, count(*) AS task_count,
       round(count(*) / sum(count(*)) OVER (PARTITION BY form_id), 4) AS share,
       round((percentile_cont(0.50) WITHIN GROUP (ORDER BY cycle_hours))::numeric, 2) AS cycle_p50_hours,
       round((percentile_cont(0.85) WITHIN GROUP (ORDER BY cycle_hours))::numeric, 2) AS cycle_p85_hours,
       round((percentile_cont(0.95) WITHIN GROUP (ORDER BY cycle_hours))::numeric, 2) AS cycle_p95_hours,
       round(avg(cycle_hours)::numeric, 2) AS cycle_average_hours,
       min(create_date) AS first_create_date, max(create_date) AS last_create_date, max(task_id) AS example_task_id
FROM (
    SELECT task.task_id, task.form_id, task.form, task.create_date,
           extract(epoch FROM task.close_date - task.create_date) / 3600 AS cycle_hours,
           concat_ws(' → ', 'created', string_agg(milestone, ' → ' ORDER BY note_no, place)) AS path
    FROM pyrus_report.current_tasks AS task
    LEFT JOIN (
        SELECT task_id, note_no, place, milestone
        FROM (
            SELECT task_id, note_no, place, milestone,
                   lag(milestone) OVER (PARTITION BY task_id ORDER BY note_no, place) AS before
            FROM pyrus.notes CROSS JOIN LATERAL (VALUES
                (1, CASE WHEN approval_choice IN ('Approved', 'Rejected', 'Revoked', 'Acknowledged') THEN lower(approval_choice) END),
                (2, CASE WHEN note_no > 1 AND reassigned_to_id IS NOT NULL THEN 'reassigned' END),
                (3, CASE WHEN activity_action = 'Reopen' THEN 'reopened' WHEN activity_action <> 'None' THEN 'completed' END)
            ) AS event (place, milestone)
            WHERE milestone IS NOT NULL
        ) AS step
        WHERE milestone IS DISTINCT FROM before
    ) AS happened USING (task_id)
    WHERE task.is_closed AND task.has_detail
    GROUP BY task.task_id, task.form_id, task.form, task.create_date, task.close_date
) AS done
GROUP BY form_id, form, path;

COMMENT ON VIEW pyrus_report.process_variants IS
    'Which paths do the tasks of a form take, how often, and how long does each take? One row per form and path: the '
    'decisions, handoffs and closings of its closed tasks in order; repeats of the same step in a row count once. Tasks '
    'whose notes have not been read yet are left out.';
COMMENT ON COLUMN pyrus_report.process_variants.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.process_variants.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.process_variants.variant_rank IS '1 for the most common path of the form.';
COMMENT ON COLUMN pyrus_report.process_variants.path IS 'The path, e.g. "created → approved → reassigned → completed".';
COMMENT ON COLUMN pyrus_report.process_variants.step_count IS 'Number of steps in the path.';
COMMENT ON COLUMN pyrus_report.process_variants.task_count IS 'Closed tasks that took this path.';
COMMENT ON COLUMN pyrus_report.process_variants.share IS 'Share of the form''s closed tasks, from 0 to 1.';
COMMENT ON COLUMN pyrus_report.process_variants.cycle_p50_hours IS
    'Half of them took at most this many hours from creation to the last closing.';
COMMENT ON COLUMN pyrus_report.process_variants.cycle_p85_hours IS '85 percent of them took at most this many hours.';
COMMENT ON COLUMN pyrus_report.process_variants.cycle_p95_hours IS '95 percent of them took at most this many hours.';
COMMENT ON COLUMN pyrus_report.process_variants.cycle_average_hours IS
    'Average hours from creation to the last closing.';
COMMENT ON COLUMN pyrus_report.process_variants.first_create_date IS 'When the first of them was created.';
COMMENT ON COLUMN pyrus_report.process_variants.last_create_date IS 'When the last of them was created.';
COMMENT ON COLUMN pyrus_report.process_variants.example_task_id IS 'Id of one of them, as an example.';
