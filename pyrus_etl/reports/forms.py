"""Which form a task belongs to: manual overrides, and the inference repeated for stored tasks."""

from pyrus_etl.postgres.connection import Connection

_INFER = """
    WITH RECURSIVE chain AS (
        SELECT project_id, project_id AS link_id, 0 AS depth FROM pyrus.projects
      UNION ALL
        SELECT chain.project_id, link.parent_id, depth + 1
        FROM chain JOIN pyrus.projects AS link ON link.project_id = chain.link_id WHERE link.parent_id IS NOT NULL
    ) CYCLE link_id SET is_cycle USING path,
    overridden AS (
        SELECT DISTINCT ON (chain.project_id) chain.project_id, form_id
        FROM chain JOIN pyrus.form_overrides AS override ON override.project_id = link_id ORDER BY 1, depth
    ),
    root AS (
        SELECT DISTINCT ON (project_id) project_id, link_id AS root_id, depth FROM chain ORDER BY 1, depth DESC
    ),
    inferred AS (
        SELECT DISTINCT ON (filed.task_id) filed.task_id,
               CASE WHEN overridden.project_id IS NULL THEN root_id ELSE overridden.form_id END AS form_id
        FROM pyrus.task_projects AS filed JOIN root USING (project_id) LEFT JOIN overridden USING (project_id)
        WHERE EXISTS (SELECT FROM pyrus.form_values AS value WHERE value.task_id = filed.task_id)
        ORDER BY 1, overridden.project_id IS NULL, depth > 0 AND overridden.project_id IS NULL, project_no
    )
    UPDATE pyrus.tasks AS task SET form_id = inferred.form_id, main_project_id = filed.project_id
    FROM pyrus.tasks AS other LEFT JOIN inferred USING (task_id)
    LEFT JOIN pyrus.task_projects AS filed ON filed.task_id = other.task_id AND filed.project_no = 1
    WHERE other.task_id = task.task_id AND other.xmin = task.xmin
      AND EXISTS (SELECT FROM pyrus.raw_tasks AS raw WHERE raw.task_id = other.task_id AND raw.api = 'v3')
      AND (task.form_id, task.main_project_id) IS DISTINCT FROM (inferred.form_id, filed.project_id)
"""
_GATHER_FIELDS = """
    INSERT INTO pyrus.form_fields (form_id, field_id, field_type, field_name, parent_field_id, in_rows)
    SELECT DISTINCT ON (form_id, field_id)
           form_id, field_id, field_type, field_name, parent_field_id, row_id IS NOT NULL
    FROM pyrus.form_values JOIN pyrus.tasks USING (task_id)
    WHERE form_id IS NOT NULL AND field_id IS NOT NULL
    ORDER BY form_id, field_id, modified_date DESC NULLS LAST, task_id DESC
    ON CONFLICT DO NOTHING
"""


def overrides(connection: Connection) -> dict[int, int | None]:
    """Returns `form_overrides`: project id → form id of its tasks, or None if they have no form."""
    return dict(connection.execute("SELECT project_id, form_id FROM pyrus.form_overrides").fetchall())


def infer(connection: Connection) -> None:
    """Gives every stored task the form that `normalize.project.form_of` would, and collects the fields of forms.

    Needed if overrides were set after the task was stored. Safe to repeat: writes only what differs. A task that a run
    writes at the same time (`xmin`) keeps what the run wrote. Only tasks read through API v3: v4 says the form itself.
    """
    connection.execute(_INFER)
    connection.execute(_GATHER_FIELDS)
