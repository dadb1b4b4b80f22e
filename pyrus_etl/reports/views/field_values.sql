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
WHERE NOT EXISTS (  -- few tasks are deleted: excluding those costs less than joining all the others
    SELECT FROM pyrus.tasks AS gone WHERE gone.task_id = value.task_id AND gone.deleted_at IS NOT NULL
);

COMMENT ON VIEW pyrus_report.field_values IS
    'What are the values of a form field? One row per value, current or set by a note; task_fields, field_history and '
    'task_timeline are built on this view.';
COMMENT ON COLUMN pyrus_report.field_values.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.field_values.note_no IS
    'Number of the note that set the value; null for the current value.';
COMMENT ON COLUMN pyrus_report.field_values.value_no IS 'Position of the value in the form or in the note, from 1.';
COMMENT ON COLUMN pyrus_report.field_values.field_id IS 'Id of the field in its form.';
COMMENT ON COLUMN pyrus_report.field_values.row_id IS 'Id of the row of the table field; null outside tables.';
COMMENT ON COLUMN pyrus_report.field_values.field_type IS 'Type of the field: Text, Decimal, Catalog, …';
COMMENT ON COLUMN pyrus_report.field_values.field_name IS 'Name of the field as users see it.';
COMMENT ON COLUMN pyrus_report.field_values.parent_field_id IS
    'Id of the table or section field that contains this field.';
COMMENT ON COLUMN pyrus_report.field_values.value IS
    'The value as text, of any type: the name of a person or project, the first column of a catalog, the names '
    'of files.';
COMMENT ON COLUMN pyrus_report.field_values.value_number IS 'Number, Decimal (money), ApprovalStep; exact.';
COMMENT ON COLUMN pyrus_report.field_values.value_date IS 'Date and DueDate, in UTC.';
COMMENT ON COLUMN pyrus_report.field_values.value_timestamp IS 'ApprovalDate and CreationDate.';
COMMENT ON COLUMN pyrus_report.field_values.value_time IS 'Time, in UTC.';
COMMENT ON COLUMN pyrus_report.field_values.value_bool IS 'Checkmark and Flag; null if the flag is not set either way.';
COMMENT ON COLUMN pyrus_report.field_values.value_person_id IS
    'Person, Assignee, Author, ApprovalPerson: id of the person.';
COMMENT ON COLUMN pyrus_report.field_values.value_person IS 'Name of the person in value_person_id.';
COMMENT ON COLUMN pyrus_report.field_values.value_project_id IS 'Project: id of the project.';
COMMENT ON COLUMN pyrus_report.field_values.value_project IS 'Name of the project in value_project_id.';
COMMENT ON COLUMN pyrus_report.field_values.value_catalog_item_id IS 'Catalog: id of the item.';
COMMENT ON COLUMN pyrus_report.field_values.value_json IS
    'What the other columns cannot hold: Catalog''s values and headers, Title''s rows, Files, and every property of an '
    'unknown type.';
