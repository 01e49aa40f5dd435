"""Objects in a lake: in S3 or in a local folder."""
