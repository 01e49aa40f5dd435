"""Objects replaced in place: under their own key, each committed separately."""
