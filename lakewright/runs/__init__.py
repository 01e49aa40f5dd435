"""The lifecycle of a run: lease, log, staging, checks, publishing, receipt."""
