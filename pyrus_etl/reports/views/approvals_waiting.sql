CREATE OR REPLACE VIEW pyrus_report.approvals_waiting AS
SELECT task.task_id, task.text, task.form_id, task.form, task.project_id, task.project, step.step_no, step.round_no,
       step.person_id, step.person, step.turn_at AS waiting_since, step.waited_hours,
       task.responsible_id, responsible.name AS responsible, task.due_date,
       coalesce(task.due_date < (SELECT today FROM pyrus_report.clock), false) AS is_overdue, task.asap, task.link, step.step
FROM pyrus_report.current_tasks AS task
CROSS JOIN LATERAL (  -- OFFSET makes PostgreSQL look up the steps task by task, because few tasks still wait
    SELECT * FROM pyrus_report.approval_steps
    WHERE approval_steps.task_id = task.task_id AND decision = 'Waiting' AND turn_at IS NOT NULL OFFSET 0
) AS step
LEFT JOIN pyrus_report.person_names AS responsible ON responsible.person_id = task.responsible_id
WHERE NOT task.is_closed AND EXISTS (
    SELECT FROM pyrus.approvals WHERE approvals.task_id = task.task_id AND choice = 'Waiting'
);

COMMENT ON VIEW pyrus_report.approvals_waiting IS
    'Which approvals are pending, who has to decide, and since when? One row per approver of an open task who has not '
    'yet decided in its current step.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.step_no IS
    'Number of the current approval step: the first in which somebody still has to decide.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.round_no IS
    '1 for the first time that they were asked in this step, 2 for the second, and so on.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.person_id IS 'Id of the approver who has to decide.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.person IS 'Name of the approver who has to decide.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.waiting_since IS 'When it became the approver''s turn.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.waited_hours IS 'Hours since waiting_since.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.responsible_id IS
    'Id of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.responsible IS
    'Name of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.due_date IS 'Day on which the task is due, in UTC.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.is_overdue IS 'Whether the task is open and its due day has passed.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.asap IS 'Whether the task is marked "as soon as possible".';
COMMENT ON COLUMN pyrus_report.approvals_waiting.link IS 'Link to the task in Pyrus.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.step IS
    'Name of the approval step; null if the form gives its steps no names, and through API v3.';
