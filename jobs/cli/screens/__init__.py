"""The text output of verbs, one module each."""
