"""The pipeline on open-source Kubeflow Pipelines v2: compiled, submitted, and run step by step."""
