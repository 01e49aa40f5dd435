"""Types that a feed declares for attributes: times, dates, Debezium's encodings, JSON kept whole. No pyspark."""
