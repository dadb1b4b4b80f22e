-- Compared are types whose value only a person or a script sets; the others change by themselves, or in parts.
CREATE OR REPLACE VIEW pyrus_report.silent_changes AS
WITH latest AS (  -- of each cell: what a note last set, and the present value
    SELECT DISTINCT ON (task_id, field_id, row_id, note_no IS NULL) *, note_no IS NULL AS is_present
    FROM pyrus_report.field_values
    WHERE field_id IS NOT NULL
      AND field_type IN ('Text', 'Email', 'Phone', 'Number', 'Decimal', 'Date', 'Time', 'Checkmark', 'Flag', 'Person',
                         'Catalog', 'MultipleChoice', 'Project')
    ORDER BY task_id, field_id, row_id, note_no IS NULL, note_no DESC, CASE WHEN note_no IS NULL THEN value_no END,
             value_no DESC
), beside AS (
    SELECT *, lead(field_type) OVER cell AS present_type, lead(field_name) OVER cell AS present_name,
           lead(value) OVER cell AS present_value, lead(value_number) OVER cell AS present_number,
           lead(coalesce(value_catalog_item_id, value_person_id, value_project_id)) OVER cell AS present_id
    FROM latest WINDOW cell AS (PARTITION BY task_id, field_id, row_id ORDER BY is_present)
), changed AS MATERIALIZED (
    SELECT * FROM beside
    WHERE NOT is_present AND value IS DISTINCT FROM present_value
      AND (coalesce(value_catalog_item_id, value_person_id, value_project_id) = present_id) IS NOT TRUE
      AND (value_number = present_number) IS NOT TRUE  -- 1.0 is 1
      AND present_type = field_type
)
SELECT task.task_id, task.form_id, task.form, task.project_id, task.project, task.state,
       changed.field_id, coalesce(present_name, changed.field_name) AS field, changed.field_type, row_id,
       changed.value AS noted_value, note.create_date AS noted_at, note.author_id AS noted_by_id,
       person.name AS noted_by, note_no, present_value, task.modified_date AS seen_by
FROM changed
JOIN pyrus_report.current_tasks AS task USING (task_id)
JOIN pyrus.notes AS note USING (task_id, note_no)
LEFT JOIN pyrus_report.person_names AS person ON person.person_id = note.author_id
LEFT JOIN pyrus.form_fields AS field ON (field.form_id, field.field_id) = (task.form_id, changed.field_id)
WHERE task.has_detail AND field.removed_at IS NULL;

COMMENT ON VIEW pyrus_report.silent_changes IS
    'Which form fields were changed without a note? One row per field whose present value is not the one that a note '
    'last set: somebody, or a script, changed it since without leaving a note. Fields that change by themselves, '
    'such as steps and due dates, and fields with files or links are not compared; nor are those that API v4 leaves '
    'out because they are empty.';
COMMENT ON COLUMN pyrus_report.silent_changes.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.silent_changes.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.silent_changes.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.silent_changes.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.silent_changes.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.silent_changes.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.silent_changes.field_id IS 'Id of the field in its form.';
COMMENT ON COLUMN pyrus_report.silent_changes.field IS 'Name of the field as users see it.';
COMMENT ON COLUMN pyrus_report.silent_changes.field_type IS 'Type of the field: Text, Decimal, Catalog, …';
COMMENT ON COLUMN pyrus_report.silent_changes.row_id IS 'Id of the row of the table field; null outside tables.';
COMMENT ON COLUMN pyrus_report.silent_changes.noted_value IS
    'The value that a note last set, as text; null if the note emptied the field.';
COMMENT ON COLUMN pyrus_report.silent_changes.noted_at IS 'When that note was written.';
COMMENT ON COLUMN pyrus_report.silent_changes.noted_by_id IS 'Id of the person who wrote that note.';
COMMENT ON COLUMN pyrus_report.silent_changes.noted_by IS 'Name of the person who wrote that note.';
COMMENT ON COLUMN pyrus_report.silent_changes.note_no IS 'Number of that note.';
COMMENT ON COLUMN pyrus_report.silent_changes.present_value IS
    'The present value, as text; null if the field is empty.';
COMMENT ON COLUMN pyrus_report.silent_changes.seen_by IS
    'When the task last changed: the field was changed between noted_at and then, unless Pyrus leaves this date '
    'alone.';
