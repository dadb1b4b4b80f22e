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
    'What stands in the form of a task? One row a field (a cell, where it is a table), as it is now.';
COMMENT ON COLUMN pyrus_report.task_fields.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.task_fields.form_id IS 'Its form; null for a task without one.';
COMMENT ON COLUMN pyrus_report.task_fields.form IS 'Name of its form.';
COMMENT ON COLUMN pyrus_report.task_fields.project_id IS 'Its main project: the first that it is filed in.';
COMMENT ON COLUMN pyrus_report.task_fields.project IS 'Path of its main project from the root.';
COMMENT ON COLUMN pyrus_report.task_fields.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.task_fields.create_date IS 'When it was created.';
COMMENT ON COLUMN pyrus_report.task_fields.value_no IS 'Place of the field in the form, from 1.';
COMMENT ON COLUMN pyrus_report.task_fields.field_id IS 'Id of the field in its form.';
COMMENT ON COLUMN pyrus_report.task_fields.field IS 'Name of the field as people see it.';
COMMENT ON COLUMN pyrus_report.task_fields.field_type IS 'Type of the field: Text, Decimal, Catalog, …';
COMMENT ON COLUMN pyrus_report.task_fields.row_id IS 'Row of the table that it stands in; null outside of tables.';
COMMENT ON COLUMN pyrus_report.task_fields.parent_field_id IS 'The field (table or section) that this one stands in.';
COMMENT ON COLUMN pyrus_report.task_fields.parent_field IS 'Name of the field that this one stands in.';
COMMENT ON COLUMN pyrus_report.task_fields.value IS
    'The value as text, whatever its type: the name of a person or project, the first column of a catalog, the names of '
    'files.';
COMMENT ON COLUMN pyrus_report.task_fields.value_number IS 'Number, Decimal (money), ApprovalStep; exact.';
COMMENT ON COLUMN pyrus_report.task_fields.value_date IS 'Date and DueDate.';
COMMENT ON COLUMN pyrus_report.task_fields.value_timestamp IS 'ApprovalDate and CreationDate.';
COMMENT ON COLUMN pyrus_report.task_fields.value_time IS 'Time, in UTC.';
COMMENT ON COLUMN pyrus_report.task_fields.value_bool IS
    'Checkmark and Flag; null where the flag is not set either way.';
COMMENT ON COLUMN pyrus_report.task_fields.value_person_id IS 'The person that it names.';
COMMENT ON COLUMN pyrus_report.task_fields.value_person IS 'Name of that person.';
COMMENT ON COLUMN pyrus_report.task_fields.value_project_id IS 'The project that it names.';
COMMENT ON COLUMN pyrus_report.task_fields.value_project IS 'Name of that project.';
COMMENT ON COLUMN pyrus_report.task_fields.value_catalog_item_id IS 'Id of the item of a catalog.';
COMMENT ON COLUMN pyrus_report.task_fields.value_json IS 'What no other column holds.';
