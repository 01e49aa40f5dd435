"""The steps of a pipeline around a job: what the Lambdas in ``deploy/lambdas`` do. No pyspark, no pyarrow, no numpy."""
