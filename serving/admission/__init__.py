"""Who gets a place for a session, who waits for one, and what a tenant may use."""
