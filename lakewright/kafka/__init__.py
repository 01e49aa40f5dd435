"""Objects of a Kafka Connect S3 sink."""
