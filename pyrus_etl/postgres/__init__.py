"""PostgreSQL, and nothing of Pyrus: connections and their errors, the lease, COPY, the embedded server."""
