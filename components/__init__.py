"""TFX components, a folder each: `component.py` is the spec, `executor.py` the work."""

from tfx.types import artifact


# Kubeflow finds the classes again by their TYPE_NAME, which may have one dot and no more.
class Documents(artifact.Artifact):
    """Which documents are in each split, and how long they are; see `components.stream`."""

    TYPE_NAME = "components.Documents"


class Ngrams(artifact.Artifact):
    """How often each n-gram of the training text was seen; see `components.ngrams`."""

    TYPE_NAME = "components.Ngrams"
