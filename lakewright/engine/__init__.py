"""The engines that run tasks."""
