"""What is left of executions that were cut off, in a store as LocalDagRunner leaves it."""

import logging
import os

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.root.debris import sweep
from pipeline.root.store import Store

RUNNING, COMPLETE, FAILED = map(mlmd.Execution.State.Value, ("RUNNING", "COMPLETE", "FAILED"))


@pytest.fixture
def root(tmp_path):
    """Of a finished stage 1, of 2, which was cut off, and of 3, which failed."""
    root = tmp_path / "a [root]"  # what a glob would take for a pattern
    root.mkdir()
    metadata = Store(str(root)).metadata
    kind = metadata.put_execution_type(mlmd.ExecutionType(name="Trainer"))
    states = [COMPLETE, RUNNING, FAILED]
    contexts = metadata.put_context_type(mlmd.ContextType(name="pipeline"))
    pipeline = mlmd.Context(type_id=contexts, name="lyrics")
    for state in states:
        stage = mlmd.Execution(type_id=kind, last_known_state=state)
        metadata.put_execution(stage, [], [pipeline], reuse_context_if_already_exist=True)
    return root


def write(*files):
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(2**19))


def test_what_no_finished_execution_needs_is_removed_and_said_so(root, caplog):
    caplog.set_level(logging.INFO)
    trainer, serving = root / "artifacts" / "Trainer", root / "serving" / "lyrics"
    kept = [
        *(trainer / "model" / "1" / "weights", serving / "7" / "weights", root / "unfinished" / "a")
    ]
    gone = [
        trainer / "model" / "2" / "weights",
        trainer / "model" / "3" / "beam-temp-1" / "shard",
        trainer / ".system" / "stateful_working_dir" / "some" / "file",
        serving / f".{'0' * 32}.unfinished" / "weights",
    ]
    write(*kept, *gone)
    sweep(str(root), str(serving))
    assert all(file.exists() for file in kept)
    assert not any(file.parent.exists() for file in gone)
    states = sorted(Store(str(root)).executions(), key=lambda execution: execution.id)
    assert [e.last_known_state for e in states] == [COMPLETE, FAILED, FAILED]
    sweep(str(root), str(serving))  # now there is nothing, and no line
    assert [r.getMessage() for r in caplog.records if r.name == "pipeline.root.debris"] == [
        "cleared what was left unfinished: 2.0 MB in 4 places, and 1 stages marked as running"
    ]


def test_before_the_first_run_there_is_none(tmp_path):
    sweep(str(tmp_path), str(tmp_path / "serving"))
    assert os.listdir(tmp_path) == []
