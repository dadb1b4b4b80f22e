CREATE OR REPLACE VIEW pyrus_report.project_tasks AS
SELECT tree.project_id, filed.task_id, bool_or(tree.project_id = below_id) AS is_direct
FROM pyrus_report.project_tree AS tree
JOIN (
    SELECT task_id, project_id FROM pyrus.task_projects
  UNION ALL
    SELECT task_id, form_id FROM pyrus.tasks WHERE main_project_id IS NULL AND form_id IS NOT NULL
) AS filed ON filed.project_id = below_id
WHERE NOT EXISTS (SELECT FROM pyrus.tasks AS gone WHERE gone.task_id = filed.task_id AND gone.deleted_at IS NOT NULL)
GROUP BY tree.project_id, filed.task_id;

COMMENT ON VIEW pyrus_report.project_tasks IS
    'Which tasks are in a project or below it? One row per project and task, only once even if the task is filed there '
    'several times. A task that is in no project, but has a form, counts in its form. Join it to other reports by task_id.';
COMMENT ON COLUMN pyrus_report.project_tasks.project_id IS 'Id of the project in Pyrus; a form is also a project.';
COMMENT ON COLUMN pyrus_report.project_tasks.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.project_tasks.is_direct IS
    'Whether the task is filed in the project itself, not only in a project below it.';
