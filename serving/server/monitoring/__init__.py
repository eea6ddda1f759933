"""What the server counts, and where it shows that."""
