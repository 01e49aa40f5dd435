"""Dates and timestamps from text, by Spark's datetime patterns. No pyspark."""
