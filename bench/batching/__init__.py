"""Sessions that step together: what that saves, what the engine costs beside it, and whether memory stays flat."""
