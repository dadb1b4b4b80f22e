-- The full names of projects.
SELECT project_id, path FROM pyrus_report.project_paths
