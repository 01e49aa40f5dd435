"""CSV objects, read by Spark."""
