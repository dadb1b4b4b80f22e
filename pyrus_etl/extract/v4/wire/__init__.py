"""API v4 as served, read into structs of the model."""
