"""Lanes: the tests in the versions of each supported runtime. ``lanes.toml`` declares them, ``lanes.run`` runs them."""
