"""What was used and who did what: two books for each tenant, written once and never changed."""
