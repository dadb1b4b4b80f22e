-- Form and project are part of the window, so that who asks for one of them has no others sorted.
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
    WHERE changed.note_no IS NOT NULL  -- as the join says too, from which no plan concludes that the forms need no look
) AS changed
WINDOW cell AS (PARTITION BY task_id, field_id, row_id, form_id, form, project_id, project ORDER BY note_no, value_no);

COMMENT ON VIEW pyrus_report.field_history IS
    'Who changed a field of a form, when, from what to what? One row a field that a note set. What the form said when '
    'it was filled in is told by the note that set it, or by none.';
COMMENT ON COLUMN pyrus_report.field_history.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.field_history.form_id IS 'Its form; null for a task without one.';
COMMENT ON COLUMN pyrus_report.field_history.form IS 'Name of its form.';
COMMENT ON COLUMN pyrus_report.field_history.project_id IS 'Its main project: the first that it is filed in.';
COMMENT ON COLUMN pyrus_report.field_history.project IS 'Path of its main project from the root.';
COMMENT ON COLUMN pyrus_report.field_history.changed_at IS 'When it was changed.';
COMMENT ON COLUMN pyrus_report.field_history.person_id IS 'Who changed it.';
COMMENT ON COLUMN pyrus_report.field_history.person IS 'Name of who changed it.';
COMMENT ON COLUMN pyrus_report.field_history.note_no IS 'The note by which it happened.';
COMMENT ON COLUMN pyrus_report.field_history.value_no IS 'Place of the value in the note, from 1.';
COMMENT ON COLUMN pyrus_report.field_history.field_id IS 'Id of the field in its form.';
COMMENT ON COLUMN pyrus_report.field_history.field IS 'Name of the field as people saw it.';
COMMENT ON COLUMN pyrus_report.field_history.field_type IS 'Type of the field: Text, Decimal, Catalog, …';
COMMENT ON COLUMN pyrus_report.field_history.row_id IS 'Row of the table that it stands in; null outside of tables.';
COMMENT ON COLUMN pyrus_report.field_history.old_value IS
    'The value that the note before set, as text; null where no note had set one.';
COMMENT ON COLUMN pyrus_report.field_history.new_value IS
    'The value that this note set, as text; null where it emptied the field.';
COMMENT ON COLUMN pyrus_report.field_history.old_number IS 'The old value, of a field that holds a number.';
COMMENT ON COLUMN pyrus_report.field_history.new_number IS 'The new value, of a field that holds a number.';
COMMENT ON COLUMN pyrus_report.field_history.stood_hours IS
    'Hours from the note that had set the old value to this one.';
