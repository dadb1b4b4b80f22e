CREATE OR REPLACE VIEW pyrus_report.approvals_waiting AS
SELECT task.task_id, task.text, task.form_id, task.form, task.project_id, task.project, step.step_no, step.round_no,
       step.person_id, step.person, step.turn_at AS waiting_since, step.waited_hours,
       task.responsible_id, responsible.name AS responsible, task.due_date,
       coalesce(task.due_date < (SELECT today FROM pyrus_report.clock), false) AS is_overdue, task.asap, task.link
FROM pyrus_report.current_tasks AS task
CROSS JOIN LATERAL (  -- OFFSET, so that the steps are looked up task by task: few of all tasks still wait
    SELECT * FROM pyrus_report.approval_steps
    WHERE approval_steps.task_id = task.task_id AND decision = 'Waiting' AND turn_at IS NOT NULL OFFSET 0
) AS step
LEFT JOIN pyrus_report.person_names AS responsible ON responsible.person_id = task.responsible_id
WHERE task.close_date IS NULL AND EXISTS (
    SELECT FROM pyrus.approvals WHERE approvals.task_id = task.task_id AND choice = 'Waiting'
);

COMMENT ON VIEW pyrus_report.approvals_waiting IS
    'Whose approval is waited for, on what, and since when? One row an approver of an open task who still has to '
    'choose in the step that it has come to.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.form_id IS 'Its form; null for a task without one.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.form IS 'Name of its form.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.project_id IS 'Its main project: the first that it is filed in.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.project IS 'Path of its main project from the root.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.step_no IS
    'The step that it has come to: the first at which somebody still has to choose.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.round_no IS
    '1 for the first time that they were asked in this step, 2 when they were asked again, and so on.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.person_id IS 'Who has to choose.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.person IS 'Name of who has to choose.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.waiting_since IS 'When it became their turn.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.waited_hours IS 'Hours since then.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.responsible_id IS 'Who is to act now, or was last.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.responsible IS 'Name of who is to act now, or was last.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.due_date IS 'Day by which it is to be done.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.is_overdue IS 'Whether its due day has passed.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.asap IS 'Whether it is marked as to be done as soon as possible.';
COMMENT ON COLUMN pyrus_report.approvals_waiting.link IS 'Where people open it.';
