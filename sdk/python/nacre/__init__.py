"""Client for Nacre."""
