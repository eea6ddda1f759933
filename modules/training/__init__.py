"""Training: the loop over epochs, what it optimizes with, and the search for hyperparameters."""
