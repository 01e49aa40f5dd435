"""How cost grows with work: each subject is measured at three sizes. ``python -m bench.growth NAME``."""
