"""One module a job, and the command line."""
