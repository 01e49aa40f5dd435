"""Parts of feed models."""
