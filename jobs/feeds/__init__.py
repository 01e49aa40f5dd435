"""The feed model of each job."""
