"""Counts the n-grams of the training text."""

from components.ngram_model.component import NgramModel

__all__ = ["NgramModel"]
