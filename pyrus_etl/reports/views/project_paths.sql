CREATE OR REPLACE VIEW pyrus_report.project_paths AS
WITH RECURSIVE path AS (
    SELECT project_id, name, parent_id, project_id AS root_id, shown AS root_name, 1 AS depth, shown AS path
    FROM pyrus.projects AS root
    CROSS JOIN LATERAL (SELECT coalesce(nullif(name, ''), 'Project ' || project_id) AS shown) AS shown
    WHERE NOT EXISTS (SELECT FROM pyrus.projects AS above WHERE above.project_id = root.parent_id)
  UNION ALL
    SELECT below.project_id, below.name, below.parent_id, root_id, root_name, depth + 1,
           path.path || ' / ' || coalesce(nullif(below.name, ''), 'Project ' || below.project_id)
    FROM path JOIN pyrus.projects AS below ON below.parent_id = path.project_id
)
SELECT project_id, name, path, parent_id, root_id, root_name, depth
FROM path
UNION ALL  -- in a circle, as some stand that were moved and are half told, there is no root: each stands alone
SELECT project_id, name, shown, parent_id, project_id, shown, 1
FROM pyrus.projects AS lost
CROSS JOIN LATERAL (SELECT coalesce(nullif(name, ''), 'Project ' || project_id) AS shown) AS shown
WHERE NOT EXISTS (SELECT FROM path WHERE path.project_id = lost.project_id);

COMMENT ON VIEW pyrus_report.project_paths IS
    'Where in the tree does a project stand? One row a project (a form is a project too), with its path from the root. '
    'Projects that stand above each other in a circle, and those below them, stand alone.';
COMMENT ON COLUMN pyrus_report.project_paths.project_id IS 'The project.';
COMMENT ON COLUMN pyrus_report.project_paths.name IS 'Its name.';
COMMENT ON COLUMN pyrus_report.project_paths.path IS
    'Names from the root down to it, as in "Legal / Contracts / 2026"; "Project" and the id where one has no name.';
COMMENT ON COLUMN pyrus_report.project_paths.parent_id IS 'The project above it; null for a root.';
COMMENT ON COLUMN pyrus_report.project_paths.root_id IS 'The root above it; itself for a root.';
COMMENT ON COLUMN pyrus_report.project_paths.root_name IS 'Name of that root, shown as in path.';
COMMENT ON COLUMN pyrus_report.project_paths.depth IS 'How deep it stands: 1 for a root.';
