"""Gates: suites of expectations that judge a batch before it is published."""
