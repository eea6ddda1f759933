"""Evaluates the model against the gate and, where there is one, the baseline."""

from components.evaluator.component import Evaluator

__all__ = ["Evaluator"]
