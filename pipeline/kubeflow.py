"""Compiles the pipeline for open-source Kubeflow Pipelines v2."""

import os
import tempfile
from pathlib import Path

from tfx import v1 as tfx

from pipeline.config import PipelineConfig
from pipeline.graph import create_pipeline


def compile_pipeline(config: PipelineConfig, image: str, output: str) -> None:
    """Writes a bare PipelineSpec, schema 2.1: the form that open-source KFP's API server takes.

    Compiled from the same `create_pipeline` that runs here. Drivers, which look at data and
    pushed versions to key the cache, do not run on Kubeflow; there the executors look
    themselves, so submit a run over changed data with caching off.

    Args:
        config: what to run; `data` and `root` are paths as the cluster sees them.
        image: container image that holds this project.
        output: the file to write, `.yaml`.
    """
    runner_config = tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(
        default_image=image, use_pipeline_spec_2_1=True
    )
    with tempfile.TemporaryDirectory() as directory:
        name = "pipeline.yaml"  # the suffix makes TFX write a bare PipelineSpec
        tfx.orchestration.experimental.KubeflowV2DagRunner(
            runner_config, output_dir=directory, output_filename=name
        ).run(create_pipeline(config))
        spec = Path(directory, name).read_text(encoding="utf-8")
    target = Path(output)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    unfinished.write_text(spec, encoding="utf-8")
    unfinished.replace(target)
