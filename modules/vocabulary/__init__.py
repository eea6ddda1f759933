"""Characters to indices and back."""
