"""Compiles the pipeline for open-source Kubeflow Pipelines v2."""

import os
import tempfile
from pathlib import Path
from typing import Any

import yaml
from tfx import v1 as tfx
from tfx.dsl.components.base import base_driver

from pipeline.config import PipelineConfig
from pipeline.graph import create_pipeline
from pipeline.kubeflow import corpus, page, parameters
from pipeline.kubeflow.entrypoint import COMMAND
from pipeline.kubeflow.options import ClusterOptions
from pipeline.kubeflow.platform import equip, platform_spec


def compile_pipeline(config: PipelineConfig, cluster: ClusterOptions, output: str) -> list[str]:
    """Writes a bare PipelineSpec, schema 2.1, and its PlatformSpec: what KFP's API server takes.

    It is compiled from the same `create_pipeline` that runs here.

    Args:
        config: what to run; `data` and `root` are paths as the cluster sees them.
        cluster: how the containers run.
        output: the YAML file to write.

    Returns:
        The names of its stages, in the order of the pipeline.
    """
    pipeline = create_pipeline(config)
    spec = _pipeline_spec(pipeline, cluster.image)
    corpus.offer(spec)
    equip(spec, cluster)
    parameters.offer(spec, pipeline, config)
    page.offer(spec)
    documents = [document for document in (spec, platform_spec(spec, cluster)) if document]
    _write(Path(output), yaml.dump_all(documents, Dumper=_Plain, allow_unicode=True))
    return [corpus.STAGE, *(component.id for component in pipeline.components)]


def _pipeline_spec(pipeline: tfx.dsl.Pipeline, image: str) -> dict[str, Any]:
    runner_config = tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(
        default_image=image, default_commands=[*COMMAND], use_pipeline_spec_2_1=True
    )
    name = "pipeline.yaml"  # a suffix of .json would make TFX write a PipelineJob
    with tempfile.TemporaryDirectory() as directory:
        tfx.orchestration.experimental.KubeflowV2DagRunner(
            runner_config, output_dir=directory, output_filename=name
        ).run(pipeline)
        spec = yaml.safe_load(Path(directory, name).read_text(encoding="utf-8"))
    # KFP takes the root of artifacts where a run is submitted, and from nowhere else.
    spec.pop("defaultPipelineRoot", None)
    # A driver tells the cache what lies outside of the pipeline. Kubeflow runs no drivers, so
    # there the stages that have one look at the world each time; but see `corpus`.
    for component in pipeline.components:
        has_driver = component.driver_class is not base_driver.BaseDriver
        if has_driver and component.id != corpus.READER:
            spec["root"]["dag"]["tasks"][component.id].pop("cachingOptions", None)
    return spec


class _Plain(yaml.SafeDumper):
    """Writes what several stages share once for each: KFP's reader takes no references."""

    def ignore_aliases(self, data: Any) -> bool:
        """See base class."""
        return True


def _write(target: Path, text: str) -> None:
    """All of it or nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(target)
