"""Change data, read by Spark."""
