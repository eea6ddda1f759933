"""Pushes a blessed model into the directory that TensorFlow Serving polls."""

from components.pusher.component import Pusher

__all__ = ["Pusher"]
