"""The error of values that do not fit a type. No pyspark."""


class DoesNotFitError(Exception):
    """Raised when a type cannot hold a value exactly."""
