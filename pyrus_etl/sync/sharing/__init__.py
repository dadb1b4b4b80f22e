"""One work, one quota: what accounts, processes and machines share."""
