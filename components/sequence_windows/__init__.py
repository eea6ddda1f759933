"""Cuts the stream of characters into windows, to train on and to score."""

from components.sequence_windows.component import SequenceWindows

__all__ = ["SequenceWindows"]
