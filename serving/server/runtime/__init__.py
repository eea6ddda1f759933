"""A loaded SavedModel, and who waits for its answers."""
