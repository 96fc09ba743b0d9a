"""The course's speed against what one would use instead; ``python -m benchmarks`` prints one table."""
