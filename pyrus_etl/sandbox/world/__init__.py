"""All tasks of the organisation, and everything that can happen to them."""
