"""Tables and reports brought to a revision: migrated, compared, repaired, partitioned, moved."""
