CREATE OR REPLACE VIEW pyrus_report.field_history AS
SELECT note.task_id, note.form_id, note.form, note.project_id, note.project,
       note.written_at AS changed_at, note.person_id, note.person, note.note_no, changed.value_no,
       changed.field_id, changed.field_name AS field, changed.field_type, changed.row_id,
       before.value AS old_value, changed.value AS new_value,
       before.value_number AS old_number, changed.value_number AS new_number,
       round((extract(epoch FROM note.written_at - before.written_at) / 3600)::numeric, 2) AS stood_hours
FROM pyrus_report.task_notes AS note
JOIN pyrus_report.field_values AS changed USING (task_id, note_no)
LEFT JOIN LATERAL (
    SELECT value, value_number, earlier.create_date AS written_at
    FROM pyrus_report.field_values AS past JOIN pyrus.notes AS earlier USING (task_id, note_no)
    WHERE past.note_no IS NOT NULL AND past.task_id = changed.task_id AND past.field_id = changed.field_id
      AND past.row_id IS NOT DISTINCT FROM changed.row_id
      AND (past.note_no, past.value_no) < (changed.note_no, changed.value_no)
    ORDER BY past.note_no DESC, past.value_no DESC LIMIT 1
) AS before ON true
WHERE changed.note_no IS NOT NULL;  -- as the join says too, from which no plan concludes that the forms need no look

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
