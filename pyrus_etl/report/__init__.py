"""The reports as one page: views → figures → an HTML file that needs nothing beside itself."""
