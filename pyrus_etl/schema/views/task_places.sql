CREATE OR REPLACE VIEW pyrus_report.task_places AS
SELECT task.task_id, task.form_id, form.name AS form, filed.project_id, place.path AS project
FROM pyrus.tasks AS task
LEFT JOIN pyrus.projects AS form ON form.project_id = task.form_id
LEFT JOIN pyrus.task_projects AS filed ON filed.task_id = task.task_id AND filed.project_no = 1
LEFT JOIN pyrus_report.project_paths AS place ON place.project_id = filed.project_id
WHERE task.deleted_at IS NULL;

COMMENT ON VIEW pyrus_report.task_places IS
    'Where does a task belong? One row a task that is not deleted, with its form and its main project as they are now.';
COMMENT ON COLUMN pyrus_report.task_places.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.task_places.form_id IS 'The form that it was made from; null where it has none.';
COMMENT ON COLUMN pyrus_report.task_places.form IS 'Name of that form.';
COMMENT ON COLUMN pyrus_report.task_places.project_id IS
    'Its main project, the first that Pyrus names; null where it is in none.';
COMMENT ON COLUMN pyrus_report.task_places.project IS 'Path of that project from the root.';
