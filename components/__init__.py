"""TFX components, a folder each: `component.py` is the spec, `executor.py` the work."""
