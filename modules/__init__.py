"""The model's own code: plain Python first, the TFX entry points last."""
