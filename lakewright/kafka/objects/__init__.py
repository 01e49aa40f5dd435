"""The text of an object of a sink to the texts of its records."""
