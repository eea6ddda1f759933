"""Hands out the model that the candidate is compared with."""

from components.baseline_model.component import BaselineModel

__all__ = ["BaselineModel"]
