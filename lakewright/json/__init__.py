"""JSON-lines objects."""
