"""Recordings: what a session's players were shown and heard, kept as it was encoded, and given away as one file."""
