"""A case becomes results: compile, run, recipes, reports."""
