"""Pure functions over the schemas of change data."""
