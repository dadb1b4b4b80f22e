"""Model → rows: pure functions, one file a noun, one function a form field type."""
