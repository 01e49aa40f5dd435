"""Parse dates and timestamps by Spark's datetime patterns. No pyspark."""
