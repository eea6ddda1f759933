"""What a cluster is to know of the pipeline's containers, and who it is that submits. No TFX."""

import os
import re
from dataclasses import dataclass

from modules.checks import Options, option
from modules.corpus.addresses import is_address
from modules.errors import ConfigError

STORES = ("minio://", "s3://", "gs://")  # what the URI of an artifact may begin with
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_KEY = rf"[-._a-zA-Z0-9]+(={_VARIABLE})?"
_SECRET = re.compile(rf"(?P<name>[a-z0-9]([-a-z0-9.]*[a-z0-9])?):(?P<keys>{_KEY}(,{_KEY})*)")
_ENV = re.compile(rf"{_VARIABLE}=.*", re.DOTALL)
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
    secrets: tuple[str, ...] = option(
        (),
        "Sets environment variables from a Secret's keys, such as credentials of a store. "
        "Repeatable.",
        shown="none",
        flag="--secret",
        metavar="NAME:KEY=VARIABLE,...",
    )
    env: tuple[str, ...] = option(
        (),
        "Sets an environment variable, such as AWS_ENDPOINT_URL. Repeatable.",
        shown="none",
        metavar="VARIABLE=VALUE",
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
        for secret in self.secrets:
            if not _SECRET.fullmatch(secret):
                raise ConfigError(
                    "{secrets} is no Secret and its keys: give such as "
                    "{secrets:'minio:accesskey=AWS_ACCESS_KEY_ID,secretkey=AWS_SECRET_ACCESS_KEY'}",
                    {"secrets": secret},
                )
        for variable in self.env:
            if not _ENV.fullmatch(variable):
                raise ConfigError(
                    "{env} is no variable and value: give such as "
                    "{env:AWS_ENDPOINT_URL=http://minio:9000}",
                    {"env": variable},
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

    def variables(self) -> dict[str, dict[str, str]]:
        """By Secret: the environment variable that each of its keys becomes."""
        found = [match for match in map(_SECRET.fullmatch, self.secrets) if match]
        pairs = {match["name"]: match["keys"].split(",") for match in found}
        return {
            name: {key.partition("=")[0]: key.rpartition("=")[2] for key in keys}
            for name, keys in pairs.items()
        }

    def warnings(self, root: str, push_to: str) -> list[str]:
        """What is to be said of the places that should outlive a container.

        Args:
            root: of the pipeline.
            push_to: where versions are pushed; "" is below the root.

        Raises:
            ConfigError: if no step can write to the root.
        """
        if is_address(root) and not root.startswith("gs://"):
            raise ConfigError(
                "{root} is no place that a step writes to: TensorFlow, which writes checkpoints, "
                "knows gs:// alone; give that, or a path on a {claims.name}, and {push_to.name} "
                "for the versions, and where the pipeline is submitted {pipeline_root.name} for "
                "its artifacts",
                {"root": root, "claims": None, "push_to": None, "pipeline_root": None},
            )
        places = {"--root": root, "--push-to": push_to}
        return [
            f"{name} {path} is a directory in each container, of its own: what is written there "
            "goes with its pod; give one on a --claim NAME:/PATH"
            for name, path in places.items()
            if path and not self._outlives(path)
        ]

    def _outlives(self, path: str) -> bool:
        paths = [mounted for _, mounted in self.mounts()]
        on_claim = any(os.path.commonpath([path, at]) == at for at in paths if os.path.isabs(path))
        return on_claim or is_address(path)


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
