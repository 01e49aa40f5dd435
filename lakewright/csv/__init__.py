"""CSV objects."""
