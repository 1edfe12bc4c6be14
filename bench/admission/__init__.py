"""What admission costs: refusals, controls that are let through, and sessions that come and go."""
