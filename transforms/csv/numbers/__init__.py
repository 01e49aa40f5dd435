"""Read numbers, also with grouped digits, signs of currency or percent, and accounting negatives. No pyspark."""
