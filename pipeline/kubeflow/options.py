"""What a cluster is to know of the pipeline's containers, and who it is that submits. No TFX."""

import os
import re
from dataclasses import dataclass

from modules.checks import Options, option
from modules.corpus.addresses import is_address
from modules.errors import ConfigError

STORES = ("minio://", "s3://", "gs://")  # what the URI of an artifact may begin with
_CLAIM = re.compile(r"(?P<name>[a-z0-9]([-a-z0-9.]*[a-z0-9])?):(?P<path>/[^:]*[^:/])")


@dataclass(frozen=True)
class ClusterOptions(Options, group="Containers"):
    """How each stage's container runs.

    Raises:
        ConfigError: if a value, or a combination of values, makes no sense.
    """

    image: str = option("tfx-lyrics:latest", "Image of this project.")
    claims: tuple[str, ...] = option(
        (),
        "Mounts a PersistentVolumeClaim at a path: where --data and --root may be. Repeatable.",
        shown="none",
        flag="--claim",
        metavar="NAME:/PATH",
    )
    memory_request: float = option(2.0, "GB that a stage is sure to have.", low=0.1, high=1e6)
    memory_limit: float = option(8.0, "GB at which a stage is killed.", low=0.1, high=1e6)
    cpu_request: float = option(1.0, "Cores that a stage is sure to have.", low=0.1, high=1e4)
    cpu_limit: float | None = option(
        None, "Cores that a stage has at most.", low=0.1, high=1e4, shown="no limit"
    )
    retries: int = option(1, "How often a stage that failed is tried again.", low=0, high=100)
    run_as_user: int = option(
        1000,
        "User id of the containers, which are let run as no other; 0 leaves that to the cluster.",
        low=0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for claim in self.claims:
            if not _CLAIM.fullmatch(claim):
                raise ConfigError(
                    "{claims} is no claim and path: give such as {claims:'corpora:/mnt/corpora'}",
                    {"claims": claim},
                )
        for least, most in (("memory_request", "memory_limit"), ("cpu_request", "cpu_limit")):
            limit = getattr(self, most)
            if limit is not None and limit < getattr(self, least):
                raise ConfigError(
                    f"{{{most}}} is less than {{{least}}}: give a limit of that or more",
                    vars(self),
                )

    def mounts(self) -> list[tuple[str, str]]:
        """The claims: name and path of each."""
        found = map(_CLAIM.fullmatch, self.claims)
        return [(claim["name"], claim["path"]) for claim in found if claim]

    def place(self, root: str) -> str | None:
        """What is to be said of a root's place, which should outlive a container; None if nothing.

        Raises:
            ConfigError: if no step can write there.
        """
        if is_address(root):
            if root.startswith("gs://"):
                return None
            raise ConfigError(
                "{root} is no place that a step writes to: TensorFlow, which writes models and "
                "checkpoints, knows gs:// alone; give that, or a path on a {claims.name}, and "
                "where the pipeline is submitted {pipeline_root.name} for its artifacts",
                {"root": root, "claims": None, "pipeline_root": None},
            )
        paths = [path for _, path in self.mounts()]
        if any(os.path.commonpath([root, path]) == path for path in paths if os.path.isabs(root)):
            return None
        return (
            f"--root {root} is a directory in each container, of its own: what is pushed there "
            "goes with its pod; give one on a --claim NAME:/PATH"
        )


@dataclass(frozen=True)
class KfpOptions(Options, group="Kubeflow Pipelines"):
    """Which Kubeflow Pipelines to ask, and as whom.

    Raises:
        ConfigError: if a value makes no sense.
    """

    host: str | None = option(
        None,
        "Address of the API or the UI, such as http://localhost:8080 of a port-forward.",
        shown="as KFP's client finds it: in the cluster, or by kubectl's configuration",
        metavar="URL",
    )
    pipeline_root: str | None = option(
        None,
        "Where KFP stores the artifacts: minio://, s3:// or gs://.",
        shown="the cluster's",
        metavar="URI",
    )
    experiment: str = option("lyrics", "Experiment that the run belongs to.")
    namespace: str | None = option(
        None, "Of whom the run is, where several users share a cluster.", shown="none"
    )
    token_file: str | None = option(
        None, "File with a bearer token to show.", shown="none", metavar="FILE"
    )
    cookie_file: str | None = option(
        None, "File with a cookie to show.", shown="none", metavar="FILE"
    )
    ca_file: str | None = option(
        None, "PEM file of whom to trust.", shown="Python's own", metavar="FILE"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        root = self.pipeline_root
        if root is not None and not root.startswith(STORES):
            raise ConfigError(
                "{pipeline_root} is no place where KFP stores artifacts: give one of "
                f"{', '.join(STORES)}",
                vars(self),
            )
