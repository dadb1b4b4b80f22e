"""The questions that the demo asks of the tables: what a company wants to know, in plain SQL."""

from typing import NamedTuple


class Question(NamedTuple):
    """`answer` says what the first row means, its values named by column."""

    text: str
    query: str
    answer: str


QUESTIONS = (
    Question(
        "Who do open requests wait for, and how long?",
        """
WITH decision AS (  -- every decision of an approver, and how long it was waited for
    SELECT task_id, note.author_id AS person_id, note.create_date AS at,
           note.create_date - lag(note.create_date, 1, task.create_date)
                              OVER (PARTITION BY task_id ORDER BY note_no) AS took
    FROM pyrus.notes AS note JOIN pyrus.tasks AS task USING (task_id)
    WHERE approval_choice IS NOT NULL
), turn AS (  -- the step that each open task has come to, and since when
    SELECT task_id, min(step_no) AS step_no, coalesce(max(at), min(create_date)) AS since
    FROM pyrus.tasks JOIN pyrus.approvals USING (task_id) LEFT JOIN decision USING (task_id)
    WHERE close_date IS NULL AND choice = 'Waiting' GROUP BY task_id
), habit AS (
    SELECT person_id, count(*) AS decided,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS usual
    FROM decision GROUP BY person_id
)
SELECT concat_ws(' ', first_name, last_name) AS "approver",
       count(*) AS "waiting now", max(now() - since) AS "the longest for",
       decided AS "decided so far", usual AS "a decision takes"
FROM turn JOIN pyrus.approvals USING (task_id, step_no)
JOIN pyrus.persons USING (person_id) LEFT JOIN habit USING (person_id)
WHERE choice = 'Waiting' GROUP BY person_id, first_name, last_name, decided, usual
ORDER BY count(*) DESC LIMIT 6
""",
        "Talk to {approver}: {waiting now} requests wait for one person, who usually takes {a decision takes}.",
    ),
    Question(
        "How long does work take, form by form, and what does it wait for?",
        """
WITH stretch AS (  -- the time before each note, and whether a decision ended it
    SELECT task_id, approval_choice IS NOT NULL AS for_decision,
           extract(epoch FROM create_date - lag(create_date)
                   OVER (PARTITION BY task_id ORDER BY note_no)) AS seconds
    FROM pyrus.notes
), share AS (
    SELECT task_id, sum(seconds) AS whole, sum(seconds) FILTER (WHERE for_decision) AS waited
    FROM stretch GROUP BY task_id
)
SELECT form.name AS "form", count(*) AS "closed",
       percentile_cont(0.50) WITHIN GROUP (ORDER BY close_date - create_date) AS "half within",
       percentile_cont(0.85) WITHIN GROUP (ORDER BY close_date - create_date) AS "85 % within",
       max(close_date - create_date) AS "slowest",
       round(100 * coalesce(sum(waited), 0) / sum(whole)) || ' %' AS "waiting for a decision"
FROM pyrus.tasks JOIN share USING (task_id)
JOIN pyrus.task_projects USING (task_id) JOIN pyrus.projects AS form USING (project_id)
WHERE close_date IS NOT NULL AND form.parent_id IS NULL
  AND EXISTS (SELECT FROM pyrus.form_values AS value WHERE value.task_id = tasks.task_id)
GROUP BY form.project_id ORDER BY 4 DESC
""",
        "Half of all cases of {form} are done within {half within}, one in seven takes more than {85 % within}.",
    ),
    Question(
        "Which teams sit on overdue work?",
        """
WITH RECURSIVE tree AS (  -- every project, with the department and the team that it is under
    SELECT project_id, name AS department, NULL AS team
    FROM pyrus.projects WHERE parent_id IS NULL
  UNION ALL
    SELECT below.project_id, department, coalesce(team, below.name)
    FROM pyrus.projects AS below JOIN tree ON below.parent_id = tree.project_id
)
SELECT department, team, count(*) AS "open",
       count(*) FILTER (WHERE due_date < current_date) AS "overdue",
       count(*) FILTER (WHERE due_date < current_date - 90) AS "by 90 days",
       min(due_date) FILTER (WHERE due_date < current_date) AS "oldest was due"
FROM (
    SELECT DISTINCT task_id, due_date, department, team
    FROM pyrus.tasks JOIN pyrus.task_projects USING (task_id) JOIN tree USING (project_id)
    WHERE close_date IS NULL
) AS task
WHERE team <> 'Categories'  -- the departments' own projects, not the lists of forms
GROUP BY department, team ORDER BY "overdue" DESC, "open" DESC LIMIT 8
""",
        "{team} ({department}) leads with {overdue} of {open}, the oldest due since {oldest was due}.",
    ),
    Question(
        "What happened to one request, note by note?",
        """
WITH chosen AS (  -- a purchase whose amount was changed, and whose form was changed most
    SELECT task_id FROM pyrus.note_form_values GROUP BY task_id
    HAVING count(value_number) FILTER (WHERE field_name = 'Amount') > 0
    ORDER BY count(*) DESC, task_id DESC LIMIT 1
)
SELECT to_char(note.create_date, 'DD Mon HH24:MI') AS "when",
       concat_ws(' ', person.first_name, person.last_name) AS "who",
       concat_ws(' · ', approval_choice, activity_action, 'due ' || due_date_changed,
                 'to ' || heir.last_name, changed.fields, note.text) AS "what"
FROM chosen JOIN pyrus.notes AS note USING (task_id)
LEFT JOIN pyrus.persons AS person ON person.person_id = note.author_id
LEFT JOIN pyrus.persons AS heir ON heir.person_id = note.reassigned_to_id
CROSS JOIN LATERAL (
    SELECT string_agg(concat(field_name, ' → ', coalesce(value_text, value_number::text,
               value_date::text, value_json #>> '{CatalogItemValues,0}',
               value_json #>> '{Files,0,Name}')), ', ') AS fields
    FROM pyrus.note_form_values AS value
    WHERE (value.task_id, value.note_no) = (note.task_id, note.note_no)
) AS changed ORDER BY note_no
""",
        "Every note is a row of notes, every field that it set a row of note_form_values.",
    ),
    Question(
        "How much money is asked for, month by month, and how much of it was approved?",
        """
SELECT to_char(create_date, 'YYYY-MM') AS "month", count(*) AS "requests",
       round(sum(value_number) FILTER (WHERE field_name = 'Amount')) AS "purchases",
       round(sum(value_number) FILTER (WHERE field_name = 'Total')) AS "invoices",
       round(sum(value_number) FILTER (WHERE field_name = 'Value')) AS "contracts",
       round(100 * sum(value_number) FILTER (WHERE approved) / sum(value_number)) || ' %'
           AS "approved"
FROM pyrus.tasks JOIN pyrus.form_values USING (task_id)
CROSS JOIN LATERAL (
    SELECT bool_and(choice = 'Approved') AS approved
    FROM pyrus.approvals AS approval WHERE approval.task_id = tasks.task_id
) AS decision
WHERE field_type = 'Decimal' AND row_id IS NULL
  AND create_date >= date_trunc('month', now()) - interval '5 months'
GROUP BY "month" ORDER BY "month" DESC
""",
        "This month so far: {requests} requests. Amounts are exact: no digit is lost on the way.",
    ),
)
