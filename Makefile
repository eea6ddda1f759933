# `make run` and `make test` set up whatever is missing first.
.POSIX:
.PHONY: help run test test-fast test-tfserving test-faults test-prism test-mysql \
	test-kubeflow-local test-kubeflow image test-image check format lock \
	bench-training bench-pytorch bench-quality bench-serving bench-scale clean
.DEFAULT_GOAL := help

SOURCES := pipeline components modules serving
BIN := .venv/bin
# Bytecode is kept, whatever the machine says: to read the tests anew each time takes seconds.
PYTEST := PYTHONDONTWRITEBYTECODE= "$(BIN)/python" -m pytest
ARGS :=

# The first interpreter that will do: 3.11 or 3.10, able to make virtual environments.
PYTHON := $(shell for python in python3.11 python3.10 python3 python; do \
	$$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info[:2] not in [(3, 10), (3, 11)])' \
	2>/dev/null && echo $$python && break; done)
NO_PYTHON := tfx-lyrics needs Python 3.11 or 3.10 with its venv module and found neither:
NO_PYTHON += install one, for example with `apt-get install python3.11-venv` or `pyenv install 3.11`.

NO_CLUSTER := make test-kubeflow needs a cluster with Kubeflow Pipelines: `kubectl` on the PATH and
NO_CLUSTER += configured for it (KUBECONFIG), the address of its API or page in KFP_HOST, such as
NO_CLUSTER += http://localhost:8080 of a port-forward, and in KFP_IMAGE an image that it can pull.

NO_MARIADB := make test-mysql needs a MariaDB server and found none:
NO_MARIADB += install it with `apt-get install mariadb-server`; it need not be started.

help: ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 16

run: .venv/installed ## Run the pipeline on the bundled corpus; ARGS="--cell lstm" and so on
	@"$(BIN)/lyrics" run $(ARGS)

test: .venv/installed ## Run all tests, on all cores
	@$(PYTEST) -n auto --dist loadscope --no-loadscope-reorder --durations 10 $(ARGS)

test-fast: .venv/installed ## Run the tests that need no TensorFlow, in seconds
	@$(PYTEST) -m "fast and not slow" -n auto --durations 10 $(ARGS)

test-tfserving: .venv/installed ## Hold a real tensorflow_model_server, on the PATH, to the same tests
	@"$(BIN)/python" -m pytest -m tfserving $(ARGS)

test-faults: .venv/installed ## Inject faults for minutes; ARGS="--seed 7 --minutes 20"
	@PYTHONDONTWRITEBYTECODE= "$(BIN)/python" -m tests.faults.campaign $(ARGS)

test-kubeflow-local: .venv/installed ## Run the compiled pipeline as Kubeflow does, four times
	@$(PYTEST) -m kubeflow --durations 10 $(ARGS)

test-kubeflow: .venv/installed ## Run the pipeline on the cluster that KFP_HOST and KUBECONFIG name
	@test -n "$$KFP_HOST" && command -v kubectl >/dev/null || { echo '$(NO_CLUSTER)' >&2; exit 1; }
	@$(PYTEST) -m cluster --durations 10 $(ARGS)

test-prism: .venv/installed .prism/prism ## Run the data's stages on Prism, a portable Beam runner
	@PATH="$(CURDIR)/.prism:$$PATH" $(PYTEST) -m engines $(ARGS)

test-mysql: .venv/installed ## Have roots share a store of metadata on MariaDB, from Debian's packages
	@PATH="$$PATH:/usr/sbin" command -v mariadbd >/dev/null || { echo '$(NO_MARIADB)' >&2; exit 1; }
	@$(PYTEST) -m mysql --durations 10 $(ARGS)

image: ## Build the image, with docker, podman or buildah; ARGS="--build-arg BASE=..."
	@image/build.sh $(ARGS)

test-image: ## Build it on a base from Debian's packages, or on BASE, and try it: docker or podman
	@image/test.sh

check: .venv/installed ## Check style, types and the direction of imports
	@"$(BIN)/ruff" check .
	@"$(BIN)/ruff" format --check .
	@"$(BIN)/mypy"
	@"$(BIN)/lint-imports" --no-cache

format: .venv/installed ## Rewrite the code in the project's style
	@"$(BIN)/ruff" check --fix .
	@"$(BIN)/ruff" format .

lock: .venv/installed ## Pin the newest versions that setup.py allows
	@"$(BIN)/uv" pip compile -q --upgrade --universal --python-version 3.10 --no-header \
		--no-annotate --no-emit-index-url --extra cloud --extra dev -o constraints.txt setup.py

bench-training: .venv/installed ## Time training beside other ways to train; ARGS="--json FILE"
	@"$(BIN)/python" -m benchmarks.training $(ARGS)

bench-quality: .venv/installed ## Measure perplexities; ARGS="--part book --json FILE"
	@"$(BIN)/python" -m benchmarks.quality $(ARGS)

bench-serving: .venv/installed ## Time a served model beside the book's loop; ARGS="--json FILE"
	@"$(BIN)/python" -m benchmarks.serving $(ARGS)

bench-scale: .venv/installed ## Measure how time and memory grow with the corpus; ARGS="--json FILE"
	@"$(BIN)/python" -m benchmarks.scale $(ARGS)

bench-pytorch: .venv-bench/installed ## Install PyTorch for bench-training: some 5 GB

clean: ## Remove the environments and all runs
	rm -rf .venv .venv-bench .prism runs build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# uv installs in a minute what takes pip many; the file is written last, so an interrupted
# installation is begun again.
.venv/installed: setup.py constraints.txt
	@test -n "$(PYTHON)" || { echo '$(NO_PYTHON)' >&2; exit 1; }
	@echo "Setting up .venv with $(PYTHON): a minute or two, once"
	@$(PYTHON) -m venv --clear .venv
	@"$(BIN)/python" -m pip install -q --disable-pip-version-check -c constraints.txt uv
	@VIRTUAL_ENV=.venv "$(BIN)/uv" pip install -q --compile-bytecode -c constraints.txt -e '.[dev]'
	@"$(BIN)/python" -m compileall -q $(SOURCES)
	@touch .venv/installed

# Beam's portable runner in Go; the version that its checksum database knows.
.prism/prism:
	@command -v go >/dev/null || { echo 'make test-prism needs Go: install it (https://go.dev), or put a prism on the PATH and run pytest -m engines' >&2; exit 1; }
	@echo "Building Prism: some minutes, once"
	@GOBIN="$(CURDIR)/.prism" go install github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0

# Of its own, for its versions are not the project's.
.venv-bench/installed: .venv/installed benchmarks/requirements.txt
	@$(PYTHON) -m venv --clear .venv-bench
	@VIRTUAL_ENV=.venv-bench "$(BIN)/uv" pip install -q -r benchmarks/requirements.txt
	@touch .venv-bench/installed
