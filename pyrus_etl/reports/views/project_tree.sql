-- A project has one parent, so that whoever goes down in a circle first comes back to where they began.
CREATE OR REPLACE VIEW pyrus_report.project_tree AS
WITH RECURSIVE tree AS (
    SELECT project_id, project_id AS below_id FROM pyrus.projects
  UNION ALL
    SELECT tree.project_id, below.project_id
    FROM tree JOIN pyrus.projects AS below ON below.parent_id = below_id AND below.project_id <> tree.project_id
)
SELECT project_id, below_id FROM tree;

COMMENT ON VIEW pyrus_report.project_tree IS
    'Which projects are in a project? One row a project and a project in it, itself and those at any depth. Choose '
    'by project_id, and join the project_id of another report to below_id.';
COMMENT ON COLUMN pyrus_report.project_tree.project_id IS 'The project.';
COMMENT ON COLUMN pyrus_report.project_tree.below_id IS 'Itself, or a project below it.';
