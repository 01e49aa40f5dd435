"""The rows that a gate judges, on Spark."""
