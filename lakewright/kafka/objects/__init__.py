"""The text of an object of a sink: its records, and whether it is a copy of another object."""
