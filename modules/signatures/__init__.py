"""What a SavedModel answers to: its signatures, what they refuse, what warms them up."""
