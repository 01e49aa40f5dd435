"""Source objects, and the choice of the next batch."""
