"""Objects that are rewritten in place: under their own key, each committed by itself."""
