CREATE OR REPLACE VIEW pyrus_report.person_workload AS
SELECT person_id, person.name AS person, person.email, person.organization,
       coalesce(task.open_count, 0) AS open_tasks, coalesce(task.overdue_count, 0) AS overdue_tasks,
       coalesce(task.due_soon_count, 0) AS due_soon_tasks, coalesce(task.asap_count, 0) AS asap_tasks,
       task.oldest_create_date AS oldest_open_create_date,
       coalesce(approval.waiting_count, 0) AS approvals_waiting, approval.longest_waiting_hours,
       coalesce(task.closed_count, 0) AS closed_30_days, coalesce(created.created_count, 0) AS created_30_days,
       coalesce(written.note_count, 0) AS notes_30_days, coalesce(written.decision_count, 0) AS decisions_30_days,
       written.last_at AS last_note_at,
       coalesce(held.held_count, 0) AS held_count, coalesce(held.pingpong_count, 0) AS pingpong_count,
       held.p50 AS held_p50_hours, held.p85 AS held_p85_hours, held.p95 AS held_p95_hours,
       coalesce(approval.decided_count, 0) AS decided_count, approval.p50 AS decision_p50_hours,
       approval.p85 AS decision_p85_hours, approval.p95 AS decision_p95_hours
FROM pyrus_report.person_names AS person
LEFT JOIN (
    SELECT responsible_id AS person_id, count(*) FILTER (WHERE NOT is_closed) AS open_count,
           count(*) FILTER (WHERE NOT is_closed AND due_date < clock.today) AS overdue_count,
           count(*) FILTER (WHERE NOT is_closed AND due_date BETWEEN clock.today AND clock.today + 7)
               AS due_soon_count,
           count(*) FILTER (WHERE NOT is_closed AND asap) AS asap_count,
           min(create_date) FILTER (WHERE NOT is_closed) AS oldest_create_date,
           count(*) FILTER (WHERE close_date > clock.now - interval '30 days') AS closed_count
    FROM pyrus_report.current_tasks CROSS JOIN pyrus_report.clock GROUP BY responsible_id
) AS task USING (person_id)
LEFT JOIN (
    SELECT author_id AS person_id, count(*) AS created_count
    FROM pyrus_report.current_tasks JOIN pyrus_report.clock ON create_date > clock.now - interval '30 days'
    GROUP BY author_id
) AS created USING (person_id)
LEFT JOIN (
    SELECT note.author_id AS person_id, max(note.create_date) AS last_at,
           count(*) FILTER (WHERE note.create_date > clock.now - interval '30 days') AS note_count,
           count(*) FILTER (WHERE note.create_date > clock.now - interval '30 days'
                              AND approval_choice IN ('Approved', 'Rejected', 'Revoked', 'Acknowledged')) AS decision_count
    FROM pyrus.notes AS note JOIN pyrus_report.current_tasks USING (task_id) CROSS JOIN pyrus_report.clock
    GROUP BY note.author_id
) AS written USING (person_id)
LEFT JOIN (
    SELECT person_id, count(*) AS held_count, count(*) FILTER (WHERE is_pingpong) AS pingpong_count,
           round((percentile_cont(0.50) WITHIN GROUP (ORDER BY held_hours))::numeric, 2) AS p50,
           round((percentile_cont(0.85) WITHIN GROUP (ORDER BY held_hours))::numeric, 2) AS p85,
           round((percentile_cont(0.95) WITHIN GROUP (ORDER BY held_hours))::numeric, 2) AS p95
    FROM pyrus_report.assignments WHERE NOT is_current GROUP BY person_id
) AS held USING (person_id)
LEFT JOIN (
    SELECT person_id, count(*) FILTER (WHERE is_waiting) AS waiting_count,
           max(waited_hours) FILTER (WHERE is_waiting) AS longest_waiting_hours,
           count(decided_at) AS decided_count,
           round((percentile_cont(0.50) WITHIN GROUP (ORDER BY waited_hours)
                  FILTER (WHERE decided_at IS NOT NULL))::numeric, 2) AS p50,
           round((percentile_cont(0.85) WITHIN GROUP (ORDER BY waited_hours)
                  FILTER (WHERE decided_at IS NOT NULL))::numeric, 2) AS p85,
           round((percentile_cont(0.95) WITHIN GROUP (ORDER BY waited_hours)
                  FILTER (WHERE decided_at IS NOT NULL))::numeric, 2) AS p95
    FROM (
        SELECT *, state = 'open' AND decision = 'Waiting' AND turn_at IS NOT NULL AS is_waiting
        FROM pyrus_report.approval_steps
    ) AS step GROUP BY person_id
) AS approval USING (person_id);

COMMENT ON VIEW pyrus_report.person_workload IS
    'How much work does each person have, and how fast do they finish it? One row per person; the last 30 days end '
    'now.';
COMMENT ON COLUMN pyrus_report.person_workload.person_id IS 'Id of the person.';
COMMENT ON COLUMN pyrus_report.person_workload.person IS 'Name of the person.';
COMMENT ON COLUMN pyrus_report.person_workload.email IS 'E-mail address; null if Pyrus does not give one.';
COMMENT ON COLUMN pyrus_report.person_workload.organization IS
    'Name of the person''s organization; null if the contacts do not name one.';
COMMENT ON COLUMN pyrus_report.person_workload.open_tasks IS 'Open tasks for which the person is responsible.';
COMMENT ON COLUMN pyrus_report.person_workload.overdue_tasks IS 'Of open_tasks, those whose due day has passed.';
COMMENT ON COLUMN pyrus_report.person_workload.due_soon_tasks IS
    'Of open_tasks, those due today or in the next seven days.';
COMMENT ON COLUMN pyrus_report.person_workload.asap_tasks IS 'Of open_tasks, those marked "as soon as possible".';
COMMENT ON COLUMN pyrus_report.person_workload.oldest_open_create_date IS 'When the oldest of open_tasks was created.';
COMMENT ON COLUMN pyrus_report.person_workload.approvals_waiting IS
    'Approvals that wait for the person now; see approvals_waiting.';
COMMENT ON COLUMN pyrus_report.person_workload.longest_waiting_hours IS
    'Hours that the oldest of these approvals has waited.';
COMMENT ON COLUMN pyrus_report.person_workload.closed_30_days IS
    'Tasks closed in the last 30 days for which the person was responsible.';
COMMENT ON COLUMN pyrus_report.person_workload.created_30_days IS 'Tasks that the person created in the last 30 days.';
COMMENT ON COLUMN pyrus_report.person_workload.notes_30_days IS 'Notes that the person wrote in the last 30 days.';
COMMENT ON COLUMN pyrus_report.person_workload.decisions_30_days IS
    'Of notes_30_days, those that approved, rejected, revoked or acknowledged.';
COMMENT ON COLUMN pyrus_report.person_workload.last_note_at IS 'When the person last wrote a note.';
COMMENT ON COLUMN pyrus_report.person_workload.held_count IS 'Completed periods of responsibility; see assignments.';
COMMENT ON COLUMN pyrus_report.person_workload.pingpong_count IS
    'Of held_count, those in which the task had returned to the person.';
COMMENT ON COLUMN pyrus_report.person_workload.held_p50_hours IS
    'Half of these periods lasted at most this many hours.';
COMMENT ON COLUMN pyrus_report.person_workload.held_p85_hours IS
    '85 percent of these periods lasted at most this many hours.';
COMMENT ON COLUMN pyrus_report.person_workload.held_p95_hours IS
    '95 percent of these periods lasted at most this many hours.';
COMMENT ON COLUMN pyrus_report.person_workload.decided_count IS
    'Approvals that the person decided; see approval_steps.';
COMMENT ON COLUMN pyrus_report.person_workload.decision_p50_hours IS
    'Half of these decisions took at most this many hours from the person''s turn.';
COMMENT ON COLUMN pyrus_report.person_workload.decision_p85_hours IS
    '85 percent of these decisions took at most this many hours.';
COMMENT ON COLUMN pyrus_report.person_workload.decision_p95_hours IS
    '95 percent of these decisions took at most this many hours.';
