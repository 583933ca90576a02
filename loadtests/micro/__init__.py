"""Benchmarks of pure functions: what a step costs beside a yardstick in the same process."""
