"""Requests of several callers, run together."""
