CREATE OR REPLACE VIEW pyrus_report.task_people AS
SELECT task.task_id, task.form_id, task.form, task.project_id, task.project, task.state,
       member.role, member.place_no, member.person_id, person.name AS person, person.person_type, member.step_no,
       member.choice
FROM pyrus_report.current_tasks AS task
JOIN (
    SELECT task_id, 'author' AS role, 1 AS place_no, author_id AS person_id, NULL::integer AS step_no, NULL AS choice
    FROM pyrus.tasks WHERE author_id IS NOT NULL
  UNION ALL
    SELECT task_id, 'responsible', 1, responsible_id, NULL, NULL FROM pyrus.tasks WHERE responsible_id IS NOT NULL
  UNION ALL
    SELECT task_id, 'participant', participant_no, person_id, NULL, NULL FROM pyrus.task_participants
  UNION ALL
    SELECT task_id, 'subscriber', subscriber_no, person_id, NULL, choice FROM pyrus.task_subscribers
  UNION ALL
    SELECT task_id, 'approver', approver_no, person_id, step_no, choice FROM pyrus.approvals
) AS member USING (task_id)
LEFT JOIN pyrus_report.person_names AS person ON person.person_id = member.person_id;

COMMENT ON VIEW pyrus_report.task_people IS
    'Who takes part in a task, and in which role? One row per role and person of a task; a person may have several '
    'roles, and an approver is in each of their steps.';
COMMENT ON COLUMN pyrus_report.task_people.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.task_people.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.task_people.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.task_people.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.task_people.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.task_people.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.task_people.role IS
    'author, responsible, participant (of a task without a form), subscriber (who follows the task) or approver.';
COMMENT ON COLUMN pyrus_report.task_people.place_no IS
    'Position among the people of this role, or among the approvers of the step, from 1.';
COMMENT ON COLUMN pyrus_report.task_people.person_id IS 'Id of the person.';
COMMENT ON COLUMN pyrus_report.task_people.person IS 'Name of the person.';
COMMENT ON COLUMN pyrus_report.task_people.person_type IS 'user, bot or role; null if Pyrus does not say.';
COMMENT ON COLUMN pyrus_report.task_people.step_no IS
    'Number of the approval step of an approver; null for other roles.';
COMMENT ON COLUMN pyrus_report.task_people.choice IS
    'Waiting, Approved, Rejected, Revoked or Acknowledged; null for roles that do not decide, and for a subscriber '
    'who was not asked.';
