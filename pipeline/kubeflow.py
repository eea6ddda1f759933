"""Compiles the pipeline for open-source Kubeflow Pipelines v2."""

import os
import tempfile
from pathlib import Path

import yaml
from tfx import v1 as tfx
from tfx.dsl.components.base import base_driver

from pipeline.config import PipelineConfig
from pipeline.graph import create_pipeline


def compile_pipeline(config: PipelineConfig, image: str, output: str) -> None:
    """Writes a bare PipelineSpec, schema 2.1: the form that open-source KFP's API server takes.

    It is compiled from the same `create_pipeline` that runs here.

    Args:
        config: what to run; `data` and `root` are paths as the cluster sees them.
        image: container image that holds this project.
        output: the YAML file to write.
    """
    pipeline = create_pipeline(config)
    runner_config = tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(
        default_image=image, use_pipeline_spec_2_1=True
    )
    name = "pipeline.yaml"  # a suffix of .json would make TFX write a PipelineJob
    with tempfile.TemporaryDirectory() as directory:
        tfx.orchestration.experimental.KubeflowV2DagRunner(
            runner_config, output_dir=directory, output_filename=name
        ).run(pipeline)
        spec = yaml.safe_load(Path(directory, name).read_text(encoding="utf-8"))
    # A driver tells the cache what lies outside of the pipeline. Kubeflow runs no drivers, so
    # there the stages that have one look at the world each time.
    for component in pipeline.components:
        if component.driver_class is not base_driver.BaseDriver:
            spec["root"]["dag"]["tasks"][component.id].pop("cachingOptions", None)
    _write(Path(output), yaml.safe_dump(spec, allow_unicode=True))


def _write(target: Path, text: str) -> None:
    """All of it or nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(target)
