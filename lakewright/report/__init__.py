"""The state of a whole lake: the health of each feed, what is open or waiting, and what runs cost per day."""
