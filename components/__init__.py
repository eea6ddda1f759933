"""TFX components, a folder each: `component.py` is the spec, `executor.py` the work."""

from tfx.types import artifact


class Ngrams(artifact.Artifact):
    """How often each n-gram of the training text was seen; see `components.ngrams`."""

    # Kubeflow finds the class again by this name, which may have one dot and no more.
    TYPE_NAME = "components.Ngrams"
