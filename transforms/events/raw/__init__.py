"""From the text of an object to the texts of its records, in the form that a feed declares. No pyspark."""
