"""Split the text of an object into records, and rewrite those of a declared form as plain ones. No pyspark."""
