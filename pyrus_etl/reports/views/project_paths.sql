CREATE OR REPLACE VIEW pyrus_report.project_paths AS
WITH RECURSIVE path AS (
    SELECT project_id, name, parent_id, project_id AS root_id, shown AS root_name, 1 AS depth, shown AS path
    FROM pyrus.projects AS root
    CROSS JOIN LATERAL (SELECT coalesce(nullif(name, ''), 'Project ' || project_id) AS shown) AS shown
    WHERE NOT EXISTS (SELECT FROM pyrus.projects AS parent WHERE parent.project_id = root.parent_id)
  UNION ALL
    SELECT child.project_id, child.name, child.parent_id, root_id, root_name, depth + 1,
           path.path || ' / ' || coalesce(nullif(child.name, ''), 'Project ' || child.project_id)
    FROM path JOIN pyrus.projects AS child ON child.parent_id = path.project_id
)
SELECT project_id, name, path, parent_id, root_id, root_name, depth
FROM path
UNION ALL  -- projects in a cycle (moved, and only partly reported) have no root: each is its own
SELECT project_id, name, shown, parent_id, project_id, shown, 1
FROM pyrus.projects AS cyclic
CROSS JOIN LATERAL (SELECT coalesce(nullif(name, ''), 'Project ' || project_id) AS shown) AS shown
WHERE NOT EXISTS (SELECT FROM path WHERE path.project_id = cyclic.project_id);

COMMENT ON VIEW pyrus_report.project_paths IS
    'Where in the tree is a project? One row per project (a form is also a project), with its path from the root. '
    'Projects in a cycle, and the projects below them, are shown as roots.';
COMMENT ON COLUMN pyrus_report.project_paths.project_id IS 'Id of the project in Pyrus; a form is also a project.';
COMMENT ON COLUMN pyrus_report.project_paths.name IS 'Name of the project.';
COMMENT ON COLUMN pyrus_report.project_paths.path IS
    'Names from the root down to the project, e.g. "Legal / Contracts / 2026"; "Project" and the id if one has no '
    'name.';
COMMENT ON COLUMN pyrus_report.project_paths.parent_id IS 'Id of the parent project; null for a root.';
COMMENT ON COLUMN pyrus_report.project_paths.root_id IS 'Id of the root project above it; its own id for a root.';
COMMENT ON COLUMN pyrus_report.project_paths.root_name IS 'Name of the root, as in path.';
COMMENT ON COLUMN pyrus_report.project_paths.depth IS 'Depth in the tree: 1 for a root.';
