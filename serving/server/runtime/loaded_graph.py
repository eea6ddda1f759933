"""A SavedModel's graph in a TF1 Session, as TF Serving holds it.

`Session.run` finds out anew for each request what its arguments mean, which takes 0.3 ms in which
no other thread of the process runs Python: several times as long as all else that Python does
here. What they mean never changes after the model was loaded, so it is found out once, and
TensorFlow is called as `Session.run` calls it in the end.

Not public in TensorFlow 2.16: the session's `_extend_graph` and `_call_tf_sessionrun`, a tensor's
`_as_tf_output` and the buffers of `pywrap_tf_session`. `Session.make_callable` would replace them,
if it did not hand on to `Session.run` as soon as anything is fed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.client import pywrap_tf_session

from serving.protocol.protos import meta_graph_pb2
from serving.server.refusals import invalid_argument, not_found


class LoadedGraph:
    """Runs parts of a graph; from several threads at once, if need be.

    Attributes:
        signatures: SignatureDefs by name.
    """

    def __init__(self, path: Path) -> None:
        """Loads `path` with the TF1 loader: tag `serve`, variables restored, tables filled.

        Raises:
            tf.errors.NotFoundError: if there is no SavedModel.
            Exception: Of many types, since a broken SavedModel can be broken in many ways.
        """
        if not tf.compat.v1.saved_model.loader.maybe_saved_model_directory(str(path)):
            raise not_found(
                f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {path}"
                ". Check that the directory exists and that you have the right permissions for "
                "accessing it."
            )
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            meta_graph = tf.compat.v1.saved_model.loader.load(
                self._session, [tf.saved_model.SERVING], str(path)
            )
            self._session._extend_graph()  # as Session.run does first
        except BaseException:
            self._session.close()
            raise
        self.signatures: dict[str, meta_graph_pb2.SignatureDef] = dict(meta_graph.signature_def)
        self._outputs: dict[str, Any] = {}  # TF_Outputs, by the names of tensors
        outputs = (signature.outputs.values() for signature in self.signatures.values())
        together = {frozenset(info.name for info in infos) for infos in outputs}
        self._computed_together = sorted(together, key=len, reverse=True)

    def run(
        self,
        feeds: Mapping[str, np.ndarray],
        fetches: Sequence[str],
        options: tf.compat.v1.RunOptions | None = None,
    ) -> list[np.ndarray]:
        """Computes tensors, and with them all others of their signature.

        For each new choice of tensors TensorFlow takes a second to prepare: there is one choice
        only for each signature, and warm-up requests have made it.

        Args:
            feeds: values by the names of the graph's tensors.
            fetches: names of the tensors that are wanted, which are outputs of one signature.
            options: of the run, such as a time limit.

        Returns:
            Their values.

        Raises:
            tf.errors.OpError: whatever the graph raises.
        """
        values = {self._output(name): value for name, value in feeds.items()}
        together = next(names for names in self._computed_together if names.issuperset(fetches))
        outputs = [self._output(name) for name in together]
        buffer = options and pywrap_tf_session.TF_NewBufferFromString(options.SerializeToString())
        try:
            results = self._session._call_tf_sessionrun(buffer, values, outputs, [], None)
        except UnicodeDecodeError as error:  # the sentence repeats bytes of the request
            raise invalid_argument(error.object.decode(errors="replace")) from error
        finally:
            if buffer:
                pywrap_tf_session.TF_DeleteBuffer(buffer)
        by_name = dict(zip(together, results, strict=True))
        return [by_name[name] for name in fetches]

    def close(self) -> None:
        """Frees the session, and cancels what is under way; may be called again."""
        self._session.close()

    def _output(self, name: str) -> Any:
        if name not in self._outputs:
            self._outputs[name] = self._session.graph.get_tensor_by_name(name)._as_tf_output()
        return self._outputs[name]
