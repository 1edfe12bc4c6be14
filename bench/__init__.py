"""Benchmarks and the demo: everything that measures the service from outside."""
