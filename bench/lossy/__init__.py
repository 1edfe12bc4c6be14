"""Both faces for browsers on a network that loses packets."""
