-- Form and project are part of the window, so that a filter on them is pushed down and no other rows are sorted.
CREATE OR REPLACE VIEW pyrus_report.field_history AS
SELECT task_id, form_id, form, project_id, project, written_at AS changed_at, person_id, person, note_no, value_no,
       field_id, field_name AS field, field_type, row_id,
       CASE WHEN field_id IS NOT NULL THEN lag(value) OVER cell END AS old_value, value AS new_value,
       CASE WHEN field_id IS NOT NULL THEN lag(value_number) OVER cell END AS old_number, value_number AS new_number,
       CASE WHEN field_id IS NOT NULL
            THEN round((extract(epoch FROM written_at - lag(written_at) OVER cell) / 3600)::numeric, 2) END AS stood_hours
FROM (
    SELECT note.*, changed.value_no, changed.field_id, changed.field_name, changed.field_type, changed.row_id,
           changed.value, changed.value_number
    FROM pyrus_report.task_notes AS note JOIN pyrus_report.field_values AS changed USING (task_id, note_no)
    WHERE changed.note_no IS NOT NULL  -- the join implies it, but only so does the planner skip form_values
) AS changed
WINDOW cell AS (PARTITION BY task_id, field_id, row_id, form_id, form, project_id, project ORDER BY note_no, value_no);

COMMENT ON VIEW pyrus_report.field_history IS
    'Who changed a form field, when, and from what to what? One row per field that a note set. Initial values appear '
    'only if a note set them. Through API v4, a note that emptied a field has no row for it.';
COMMENT ON COLUMN pyrus_report.field_history.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.field_history.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.field_history.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.field_history.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.field_history.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.field_history.changed_at IS 'When the field was changed.';
COMMENT ON COLUMN pyrus_report.field_history.person_id IS 'Id of the person who changed it.';
COMMENT ON COLUMN pyrus_report.field_history.person IS 'Name of the person who changed it.';
COMMENT ON COLUMN pyrus_report.field_history.note_no IS 'Number of the note that changed it.';
COMMENT ON COLUMN pyrus_report.field_history.value_no IS 'Position of the value in the note, from 1.';
COMMENT ON COLUMN pyrus_report.field_history.field_id IS 'Id of the field in its form.';
COMMENT ON COLUMN pyrus_report.field_history.field IS 'Name of the field when it was changed.';
COMMENT ON COLUMN pyrus_report.field_history.field_type IS 'Type of the field: Text, Decimal, Catalog, …';
COMMENT ON COLUMN pyrus_report.field_history.row_id IS 'Id of the row of the table field; null outside tables.';
COMMENT ON COLUMN pyrus_report.field_history.old_value IS
    'The value that an earlier note set, as text; null if no earlier note set one.';
COMMENT ON COLUMN pyrus_report.field_history.new_value IS
    'The value that this note set, as text; null if the note emptied the field.';
COMMENT ON COLUMN pyrus_report.field_history.old_number IS 'The old value of a numeric field.';
COMMENT ON COLUMN pyrus_report.field_history.new_number IS 'The new value of a numeric field.';
COMMENT ON COLUMN pyrus_report.field_history.stood_hours IS
    'Hours between the note that set the old value and this one.';
