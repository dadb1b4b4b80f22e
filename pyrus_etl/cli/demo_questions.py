"""The questions that the demo asks of the reports: what a company wants to know, in plain SQL.

They have to hold for a demo of one task too, so that none asks a wide view: there may be none.
"""

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
SELECT person AS "approver", approvals_waiting AS "waiting now",
       longest_waiting_hours * interval '1 hour' AS "the longest for",
       decided_count AS "decided so far", decision_p50_hours * interval '1 hour' AS "a decision takes"
FROM pyrus_report.person_workload
WHERE approvals_waiting > 0
ORDER BY approvals_waiting DESC, longest_waiting_hours DESC LIMIT 6
""",
        "Talk to {approver}: {waiting now} requests wait for one person, who usually takes {a decision takes}.",
    ),
    Question(
        "How long does work take, form by form, and what does it wait for?",
        """
SELECT form, count(*) AS "closed",
       percentile_cont(0.50) WITHIN GROUP (ORDER BY close_date - create_date) AS "half within",
       percentile_cont(0.85) WITHIN GROUP (ORDER BY close_date - create_date) AS "85 % within",
       max(close_date - create_date) AS "slowest",
       round(100 * sum(waiting_hours) / nullif(sum(open_hours), 0)) || ' %' AS "waiting for a decision"
FROM pyrus_report.cycle_times
WHERE close_date IS NOT NULL AND form IS NOT NULL
GROUP BY form ORDER BY "85 % within" DESC
""",
        "Half of all cases of {form} are done within {half within}, one in seven takes more than {85 % within}.",
    ),
    Question(
        "Which teams sit on overdue work?",
        """
SELECT project AS "team", open_tasks AS "open", overdue_tasks AS "overdue",
       round(100 * closed_late_share) || ' %' AS "closed too late",
       oldest_open_create_date::date AS "the oldest is from"
FROM pyrus_report.project_summary
WHERE depth = 2 AND project NOT LIKE '% / Categories'  -- the departments' own, not those of forms
  AND open_tasks > 0
ORDER BY overdue_tasks DESC, open_tasks DESC, project LIMIT 8
""",
        "{team} leads: {overdue} of {open} open tasks are overdue.",
    ),
    Question(
        "What happened to one request, step by step?",
        """
SELECT to_char(at, 'DD Mon HH24:MI') AS "when", person AS "who",
       string_agg(concat_ws(' ', replace(kind, '_', ' '), detail), ' · ' ORDER BY event_no) AS "what"
FROM pyrus_report.task_timeline
WHERE task_id = (  -- a purchase whose amount was set by a note, and whose form was changed most
    SELECT task_id FROM pyrus_report.field_history GROUP BY task_id
    HAVING count(new_number) FILTER (WHERE field = 'Amount') > 0
    ORDER BY count(*) DESC, task_id DESC LIMIT 1
)
GROUP BY note_no, at, person ORDER BY min(event_no)
""",
        "Whatever a note said or changed is a row of task_timeline.",
    ),
    Question(
        "How much money is asked for, month by month, and how much of it still waits?",
        """
SELECT to_char(create_date, 'YYYY-MM') AS "month", count(*) AS "requests",
       round(sum(value_number) FILTER (WHERE form = 'Purchase request')) AS "purchases",
       round(sum(value_number) FILTER (WHERE form = 'Supplier invoice')) AS "invoices",
       round(sum(value_number) FILTER (WHERE form = 'Contract approval')) AS "contracts",
       round(sum(value_number) FILTER (WHERE task_id IN (
           SELECT task_id FROM pyrus_report.approvals_waiting
       ))) AS "waiting for approval"
FROM pyrus_report.task_fields
WHERE field_type = 'Decimal' AND row_id IS NULL
  AND create_date >= date_trunc('month', now()) - interval '5 months'
GROUP BY "month" ORDER BY "month" DESC
""",
        "This month so far: {requests} requests. Amounts are exact: no digit is lost on the way.",
    ),
)
