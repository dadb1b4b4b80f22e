-- The last closing is the task's own close_date; the notes give the closings and reopenings before it. So the final
-- state is always right, even if a note is missing, duplicated or later than the closing.
CREATE OR REPLACE VIEW pyrus_report.state_changes AS
WITH task AS NOT MATERIALIZED (
    SELECT task_id, create_date, is_closed, close_date IS NULL AS is_estimated,
           coalesce(close_date, greatest(modified_date, create_date)) AS closed_at
    FROM pyrus.tasks WHERE deleted_at IS NULL AND create_date IS NOT NULL
), action AS (
    SELECT task_id, note_no, create_date AS changed_at, activity_action <> 'Reopen' AS closes,
           lag(activity_action <> 'Reopen', 1, false) OVER (PARTITION BY task_id ORDER BY note_no) AS was_closed,
           max(note_no) FILTER (WHERE activity_action = 'Reopen') OVER (PARTITION BY task_id) AS last_reopening
    FROM pyrus.notes
    WHERE activity_action IN ('Complete', 'MarkAsDuplicate', 'MarkAsIrrelevant', 'Reopen') AND create_date IS NOT NULL
)
SELECT task_id, 'created' AS change, create_date AS changed_at, false AS is_estimated FROM task
UNION ALL
SELECT task_id, CASE WHEN closes THEN 'closed' ELSE 'reopened' END, changed_at, false
FROM action JOIN task USING (task_id) WHERE closes <> was_closed AND note_no <= last_reopening
UNION ALL
SELECT task_id, 'closed', closed_at, is_estimated FROM task WHERE is_closed;

COMMENT ON VIEW pyrus_report.state_changes IS
    'When was a task created, closed and reopened? One row per change of a task that is not deleted: it is created '
    'once, then closed and reopened in turn. The last closing is the task''s close_date. Earlier closings are notes '
    'that complete the task or mark it as a duplicate or as irrelevant. A note that changes nothing, such as a second '
    'Complete, has no row. While it is only known that a task is closed, its last change stands for its close_date, '
    'because it was closed by then. For the form and project of a task, see current_tasks.';
COMMENT ON COLUMN pyrus_report.state_changes.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.state_changes.change IS 'created, closed or reopened.';
COMMENT ON COLUMN pyrus_report.state_changes.changed_at IS 'When the task changed.';
COMMENT ON COLUMN pyrus_report.state_changes.is_estimated IS
    'Whether changed_at is the last change of a closed task in place of its close_date, which is not known yet.';
