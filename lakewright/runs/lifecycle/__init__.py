"""The lifecycle of a run: lease, open batch, new batch, staging, checks, outcome, publish, receipt."""
