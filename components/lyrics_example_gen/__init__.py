"""Zips of lyrics in, Examples out: split so that what is held out was never seen."""

from components.lyrics_example_gen.component import LyricsExampleGen

__all__ = ["LyricsExampleGen"]
