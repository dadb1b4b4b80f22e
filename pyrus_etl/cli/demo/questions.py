"""The questions of the demo: each is plain SQL on the reports.

They must also work in a demo with one task. So none reads the view of a form: it may not exist.
"""

from typing import NamedTuple


class Question(NamedTuple):
    """`answer` explains the first row; `{column}` in it is replaced by the row's value."""

    text: str
    query: str
    answer: str


QUESTIONS = (
    Question(
        "Who are open requests waiting for, and for how long?",
        """
SELECT person AS "approver", approvals_waiting AS "waiting now",
       longest_waiting_hours * interval '1 hour' AS "longest wait",
       decided_count AS "decided so far", decision_p50_hours * interval '1 hour' AS "typical decision"
FROM pyrus_report.person_workload
WHERE approvals_waiting > 0
ORDER BY approvals_waiting DESC, longest_waiting_hours DESC LIMIT 6
""",
        "{approver} has the longest queue: {waiting now} waiting, and a typical decision takes {typical decision}.",
    ),
    Question(
        "How long does each kind of work take, and how much of that is waiting?",
        """
SELECT form, count(*) AS "closed",
       percentile_cont(0.50) WITHIN GROUP (ORDER BY close_date - create_date) AS "50 % within",
       percentile_cont(0.85) WITHIN GROUP (ORDER BY close_date - create_date) AS "85 % within",
       max(close_date - create_date) AS "slowest",
       round(100 * sum(waiting_hours) / nullif(sum(open_hours), 0)) || ' %' AS "waiting for a decision"
FROM pyrus_report.cycle_times
WHERE close_date IS NOT NULL AND form IS NOT NULL
GROUP BY form ORDER BY "85 % within" DESC
""",
        "{form}: half are closed within {50 % within}, but one in seven takes more than {85 % within}.",
    ),
    Question(
        "Which teams have the most overdue work?",
        """
SELECT project AS "team", open_tasks AS "open", overdue_tasks AS "overdue",
       round(100 * closed_late_share) || ' %' AS "closed late",
       oldest_open_create_date::date AS "oldest is from"
FROM pyrus_report.project_summary
WHERE depth = 2 AND project NOT LIKE '% / Categories'  -- teams of departments, not the lists of forms
  AND open_tasks > 0
ORDER BY overdue_tasks DESC, open_tasks DESC, project LIMIT 8
""",
        "{team}: {overdue} of {open} open tasks are overdue.",
    ),
    Question(
        "What happened to one request, step by step?",
        """
SELECT to_char(at, 'DD Mon HH24:MI') AS "when", person AS "who",
       string_agg(concat_ws(' ', replace(kind, '_', ' '), detail), ' · ' ORDER BY event_no) AS "what"
FROM pyrus_report.task_timeline
WHERE task_id = (  -- of the tasks whose Amount was changed, the one with the most form changes
    SELECT task_id FROM pyrus_report.field_history GROUP BY task_id
    HAVING count(new_number) FILTER (WHERE field = 'Amount') > 0
    ORDER BY count(*) DESC, task_id DESC LIMIT 1
)
GROUP BY note_no, at, person ORDER BY min(event_no)
""",
        "Every comment and every change is a row of task_timeline.",
    ),
    Question(
        "How much money is requested each month, and how much still awaits approval?",
        """
SELECT to_char(create_date, 'YYYY-MM') AS "month", count(*) AS "requests",
       round(sum(value_number) FILTER (WHERE form = 'Purchase request')) AS "purchases",
       round(sum(value_number) FILTER (WHERE form = 'Supplier invoice')) AS "invoices",
       round(sum(value_number) FILTER (WHERE form = 'Contract approval')) AS "contracts",
       round(sum(value_number) FILTER (WHERE task_id IN (
           SELECT task_id FROM pyrus_report.approvals_waiting
       ))) AS "awaiting approval"
FROM pyrus_report.task_fields
WHERE field_type = 'Decimal' AND row_id IS NULL
  AND create_date >= date_trunc('month', now()) - interval '5 months'
GROUP BY "month" ORDER BY "month" DESC
""",
        "{month}: {requests} requests. Stored amounts are exact; only this table rounds them.",
    ),
)
