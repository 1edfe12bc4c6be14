"""Words as the open models read them."""
