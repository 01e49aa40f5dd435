"""What runs cost: prices, the price of a run, and estimates from earlier runs."""
