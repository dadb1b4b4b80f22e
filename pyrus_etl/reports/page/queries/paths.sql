-- What projects are called.
SELECT project_id, path FROM pyrus_report.project_paths
