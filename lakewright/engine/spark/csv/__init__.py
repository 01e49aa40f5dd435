"""Read CSV objects with Spark."""
