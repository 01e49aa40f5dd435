"""Read numbers, also with grouped digits, currency or percent signs, and accounting negatives. No pyspark."""
