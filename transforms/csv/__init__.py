"""Pure functions over the text of CSV objects."""
