"""A view for each form and for each catalog: which there are, their names, their columns, and their SQL."""
