"""Many clients on one session: what they cost whoever drives it, and each other."""
