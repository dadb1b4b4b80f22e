CREATE OR REPLACE VIEW pyrus_report.field_values AS
SELECT task_id, note_no, value_no, field_id, row_id, field_type, field_name, parent_field_id,
       {value_as_text} AS value,
       value_number, value_date, value_timestamp, value_time, value_bool, value_person_id, person.name AS value_person,
       value_project_id, project.name AS value_project, value_catalog_item_id, value_json
FROM (
    SELECT task_id, NULL::integer AS note_no, value_no, field_id, row_id, field_type, field_name, parent_field_id,
           value_text, value_number, value_date, value_timestamp, value_time, value_bool, value_person_id,
           value_project_id, value_catalog_item_id, value_json
    FROM pyrus.form_values
  UNION ALL
    SELECT task_id, note_no, value_no, field_id, row_id, field_type, field_name, parent_field_id,
           value_text, value_number, value_date, value_timestamp, value_time, value_bool, value_person_id,
           value_project_id, value_catalog_item_id, value_json
    FROM pyrus.note_form_values
) AS value
LEFT JOIN pyrus_report.person_names AS person ON person.person_id = value_person_id
LEFT JOIN pyrus.projects AS project ON project.project_id = value_project_id
WHERE NOT EXISTS (  -- hardly a task is deleted: to look for those costs less than to join all that are not
    SELECT FROM pyrus.tasks AS gone WHERE gone.task_id = value.task_id AND gone.deleted_at IS NOT NULL
);

COMMENT ON VIEW pyrus_report.field_values IS
    'What does a field of a form say? One row a value, as the form has it now or as a note set it; the ground of '
    'task_fields, field_history and task_timeline.';
COMMENT ON COLUMN pyrus_report.field_values.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.field_values.note_no IS 'The note that set it; null: the value as it is now.';
COMMENT ON COLUMN pyrus_report.field_values.value_no IS 'Place of the value in the form, or in the note, from 1.';
COMMENT ON COLUMN pyrus_report.field_values.field_id IS 'Id of the field in its form.';
COMMENT ON COLUMN pyrus_report.field_values.row_id IS 'Row of the table that it stands in; null outside of tables.';
COMMENT ON COLUMN pyrus_report.field_values.field_type IS 'Type of the field: Text, Decimal, Catalog, …';
COMMENT ON COLUMN pyrus_report.field_values.field_name IS 'Name of the field as people see it.';
COMMENT ON COLUMN pyrus_report.field_values.parent_field_id IS 'The field (table or section) that this one stands in.';
COMMENT ON COLUMN pyrus_report.field_values.value IS
    'The value as text, whatever its type: the name of a person or project, the first column of a catalog, the names of '
    'files.';
COMMENT ON COLUMN pyrus_report.field_values.value_number IS 'Number, Decimal (money), ApprovalStep; exact.';
COMMENT ON COLUMN pyrus_report.field_values.value_date IS 'Date and DueDate.';
COMMENT ON COLUMN pyrus_report.field_values.value_timestamp IS 'ApprovalDate and CreationDate.';
COMMENT ON COLUMN pyrus_report.field_values.value_time IS 'Time, in UTC.';
COMMENT ON COLUMN pyrus_report.field_values.value_bool IS
    'Checkmark and Flag; null where the flag is not set either way.';
COMMENT ON COLUMN pyrus_report.field_values.value_person_id IS 'The person that it names.';
COMMENT ON COLUMN pyrus_report.field_values.value_person IS 'Name of that person.';
COMMENT ON COLUMN pyrus_report.field_values.value_project_id IS 'The project that it names.';
COMMENT ON COLUMN pyrus_report.field_values.value_project IS 'Name of that project.';
COMMENT ON COLUMN pyrus_report.field_values.value_catalog_item_id IS 'Id of the item of a catalog.';
COMMENT ON COLUMN pyrus_report.field_values.value_json IS 'What no other column holds.';
