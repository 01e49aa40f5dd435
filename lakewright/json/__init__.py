"""Objects of JSON records."""
