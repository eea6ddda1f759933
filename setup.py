"""The distribution `tfx-lyrics`: four flat packages and the `lyrics` command."""

from setuptools import find_packages, setup

setup(
    name="tfx-lyrics",
    version="0.1.0",
    description="A TFX pipeline for character-level language models of song lyrics",
    license_expression="Apache-2.0",  # of the code; data/README.md says what holds for the songs
    license_files=["LICENSE"],
    python_requires=">=3.10,<3.12",
    packages=find_packages(include=["pipeline*", "components*", "modules*", "serving*"]),
    # Exact versions of everything, dependencies of dependencies included, are in constraints.txt.
    install_requires=[
        "absl-py",
        "aiohttp",  # with which fsspec reads the web
        "apache-beam==2.65.0",  # 2.72 breaks tfx_bsl's import
        "charset-normalizer",  # names the encoding of a text that does not declare one
        "click",
        "cloup",  # groups the options of a command on its help page
        "filelock",  # lets one run at a time work on a root
        "fsspec",  # reads a corpus of the web, or in a bucket
        "grpcio",
        "grpcio-health-checking",  # the service that probes of Kubernetes ask
        "ipykernel",  # which ipywidgets imports, and so tensorflow-model-analysis
        "keras>=3",
        "keras-tuner",  # searches hyperparameters for `--tune`
        "kfp",  # compiles and checks the Kubeflow pipeline
        "matplotlib",  # draws the gradients that `lyrics bptt` measures
        "ml-dtypes",  # bfloat16 for numpy, as TensorFlow has it
        "ml-metadata",
        "numpy",
        "prometheus-client",  # counts what the local server does
        "protobuf",
        "pyarrow",  # reads gs:// for fsspec: see modules/corpus/google.py
        "pymysql",  # says why a MySQL server does not let a run in, where ML Metadata does not
        "python-rapidjson",  # reads the bodies of REST requests as TF Serving does
        "pyyaml",
        "rich",
        "setuptools<81",  # later ones have no pkg_resources, which tensorflow_hub imports
        "starlette",  # the local server's REST API, on uvicorn
        "tensorflow",
        "tensorflow-data-validation",
        "tensorflow-model-analysis",
        "tensorflow-serving-api",
        "tensorflow-transform",
        "tfx==1.16.0",  # 1.17 needs glibc 2.38; Debian 12 has 2.36
        "uvicorn",
    ],
    extras_require={
        "cloud": [
            "s3fs",  # reads s3:// and minio:// for fsspec; some 30 MB that few need
        ],
        "dev": [
            "check-jsonschema",  # bundles the schema of compose files
            "flask",  # moto's server is made with these two
            "flask-cors",
            "gcp-storage-emulator",  # speaks as Google's store does
            "hypothesis",
            "import-linter",
            "kubernetes-validate",  # bundles the schemas of Kubernetes' objects
            "moto[s3]",  # speaks as Amazon's S3 does
            "mypy",
            "pre-commit",
            "pytest",
            "pytest-timeout",
            "pytest-xdist",
            "ruff",
            "s3fs",
            "trustme",  # makes the certificates that the tests of TLS shake hands with
            "types-protobuf",
            "types-PyYAML",
            "uv",  # makes and installs constraints.txt
        ],
    },
    entry_points={"console_scripts": ["lyrics=pipeline.cli:main"]},
)
