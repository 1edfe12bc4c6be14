"""The page in real Chromium, measured as its user has it."""
