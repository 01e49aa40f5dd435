"""The life of a run, and what it leaves: log, lease, receipts."""
