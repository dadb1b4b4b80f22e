-- A project has one parent, so a walk down a cycle returns first to the project where it began; there it stops.
CREATE OR REPLACE VIEW pyrus_report.project_tree AS
WITH RECURSIVE tree AS (
    SELECT project_id, project_id AS below_id FROM pyrus.projects
  UNION ALL
    SELECT tree.project_id, below.project_id
    FROM tree JOIN pyrus.projects AS below ON below.parent_id = below_id AND below.project_id <> tree.project_id
)
SELECT project_id, below_id FROM tree;

COMMENT ON VIEW pyrus_report.project_tree IS
    'Which projects are inside a project? One row per project and each project in it: itself, and those below it at '
    'any depth. Filter by project_id, and join below_id to the project_id of another report.';
COMMENT ON COLUMN pyrus_report.project_tree.project_id IS 'Id of the project in Pyrus; a form is also a project.';
COMMENT ON COLUMN pyrus_report.project_tree.below_id IS 'Id of the project itself, or of a project below it.';
