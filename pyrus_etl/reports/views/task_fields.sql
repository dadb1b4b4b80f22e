CREATE OR REPLACE VIEW pyrus_report.task_fields AS
SELECT task.task_id, task.form_id, task.form, task.project_id, task.project, task.state, task.create_date,
       field.value_no, field.field_id, field.field_name AS field, field.field_type, field.row_id,
       field.parent_field_id, parent.field_name AS parent_field, field.value,
       field.value_number, field.value_date, field.value_timestamp, field.value_time, field.value_bool,
       field.value_person_id, field.value_person, field.value_project_id, field.value_project,
       field.value_catalog_item_id, field.value_json
FROM pyrus_report.current_tasks AS task
JOIN pyrus_report.field_values AS field USING (task_id)
LEFT JOIN pyrus.form_fields AS parent ON (parent.form_id, parent.field_id) = (task.form_id, field.parent_field_id)
WHERE field.note_no IS NULL;

COMMENT ON VIEW pyrus_report.task_fields IS
    'What are the current values in the form of a task? One row per field, or per cell of a table.';
COMMENT ON COLUMN pyrus_report.task_fields.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.task_fields.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.task_fields.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.task_fields.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.task_fields.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.task_fields.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.task_fields.create_date IS 'When the task was created.';
COMMENT ON COLUMN pyrus_report.task_fields.value_no IS 'Position of the value in the form, from 1.';
COMMENT ON COLUMN pyrus_report.task_fields.field_id IS 'Id of the field in its form.';
COMMENT ON COLUMN pyrus_report.task_fields.field IS 'Name of the field as users see it.';
COMMENT ON COLUMN pyrus_report.task_fields.field_type IS 'Type of the field: Text, Decimal, Catalog, …';
COMMENT ON COLUMN pyrus_report.task_fields.row_id IS 'Id of the row of the table field; null outside tables.';
COMMENT ON COLUMN pyrus_report.task_fields.parent_field_id IS
    'Id of the table or section field that contains this field.';
COMMENT ON COLUMN pyrus_report.task_fields.parent_field IS
    'Name of the table or section field that contains this field.';
COMMENT ON COLUMN pyrus_report.task_fields.value IS
    'The value as text, of any type: the name of a person or project, the first column of a catalog, the names '
    'of files.';
COMMENT ON COLUMN pyrus_report.task_fields.value_number IS 'Number, Decimal (money), ApprovalStep; exact.';
COMMENT ON COLUMN pyrus_report.task_fields.value_date IS 'Date and DueDate, in UTC.';
COMMENT ON COLUMN pyrus_report.task_fields.value_timestamp IS 'ApprovalDate and CreationDate.';
COMMENT ON COLUMN pyrus_report.task_fields.value_time IS 'Time, in UTC.';
COMMENT ON COLUMN pyrus_report.task_fields.value_bool IS 'Checkmark and Flag; null if the flag is not set either way.';
COMMENT ON COLUMN pyrus_report.task_fields.value_person_id IS
    'Person, Assignee, Author, ApprovalPerson: id of the person.';
COMMENT ON COLUMN pyrus_report.task_fields.value_person IS 'Name of the person in value_person_id.';
COMMENT ON COLUMN pyrus_report.task_fields.value_project_id IS 'Project: id of the project.';
COMMENT ON COLUMN pyrus_report.task_fields.value_project IS 'Name of the project in value_project_id.';
COMMENT ON COLUMN pyrus_report.task_fields.value_catalog_item_id IS 'Catalog: id of the item.';
COMMENT ON COLUMN pyrus_report.task_fields.value_json IS
    'What the other columns cannot hold: Catalog''s values and headers, Title''s rows, Files, and every property of an '
    'unknown type.';
