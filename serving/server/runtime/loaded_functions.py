"""A SavedModel's signatures as functions that can be cancelled while they run.

TF Serving runs them in a TF1 session, which nothing but a time limit can stop; so it computes on
for callers who hung up. A function does the same work in the same time, and between two steps of
a loop looks whether it was cancelled. That the pushed models load and answer in such a session,
too, is a test of the signatures.

Not public in TensorFlow 2.16: `CancellationManager` (here and in `watch`),
`execute_with_cancellation`, `get_meta_graph_def`, and of a function its `_inference_function` and
`_arg_keywords`. `CancellationManager.get_cancelable_function` would do for most of them, if it
worked from several threads at once.
"""

import gc
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context, execute
from tensorflow.python.tools.saved_model_utils import get_meta_graph_def

from serving.protocol.protos import meta_graph_pb2
from serving.server.refusals import invalid_argument, not_found
from serving.server.runtime.callers import Caller
from serving.server.runtime.watch import Watch

# Names of functions, which a session, and so TF Serving, does not put around a sentence.
_FUNCTIONS = re.compile(r"\A\{\{function_node \w+\}\} | \[Op:\w+\]\Z")


class LoadedFunctions:
    """Runs signatures; from several threads at once, if need be.

    Attributes:
        signatures: SignatureDefs by name.
    """

    def __init__(self, path: Path) -> None:
        """Loads `path`: tag `serve`, variables restored, tables filled.

        Raises:
            tf.errors.NotFoundError: if there is no SavedModel.
            Exception: Of many types, since a broken SavedModel can be broken in many ways.
        """
        if not tf.saved_model.contains_saved_model(str(path)):
            raise not_found(
                f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {path}"
                ". Check that the directory exists and that you have the right permissions for "
                "accessing it."
            )
        # With the defaults of inputs, which the functions do not have.
        meta_graph = get_meta_graph_def(str(path), tf.saved_model.SERVING)
        self.signatures: dict[str, meta_graph_pb2.SignatureDef] = dict(meta_graph.signature_def)
        self._functions: Any = tf.saved_model.load(str(path), [tf.saved_model.SERVING]).signatures
        self._watch = Watch()

    def run(
        self,
        signature_name: str,
        inputs: Mapping[str, np.ndarray],
        wanted: Collection[str],
        callers: Sequence[Caller],
    ) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            signature_name: its key.
            inputs: a value for each of its inputs.
            wanted: names of the outputs that are.
            callers: the run ends when the last of them gives up.

        Returns:
            The wanted outputs by name.

        Raises:
            tf.errors.OpError: whatever the function raises.
        """
        functions = self._functions
        if functions is None:
            raise tf.errors.CancelledError(None, None, "the version was unloaded")
        function = functions[signature_name]
        # Not by `tf.constant`, each of which loses 340 bytes in TensorFlow 2.16 (its issue 68196).
        given = [tf.raw_ops.Identity(input=inputs[name]) for name in function._arg_keywords]
        outputs = sorted(function.structured_outputs)
        with self._watch.until_given_up(callers) as cancellation:
            try:
                values = execute.execute_with_cancellation(
                    function._inference_function.name,
                    len(outputs),
                    [*given, *function.captured_inputs],
                    attrs=(),
                    ctx=context.context(),
                    cancellation_manager=cancellation,
                )
            except UnicodeDecodeError as error:  # the sentence repeats bytes of the request
                raise invalid_argument(error.object.decode(errors="replace")) from error
            except tf.errors.OpError as error:
                raise type(error)(None, None, _FUNCTIONS.sub("", error.message)) from None
        by_name = dict(zip(outputs, values, strict=True))
        return {name: by_name[name].numpy() for name in wanted}

    def close(self) -> None:
        """Cancels what is under way, and frees the functions; may be called again."""
        self._watch.close()
        self._functions = None
        gc.collect()  # functions and their graphs hold one another
