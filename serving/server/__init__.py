"""A local stand-in for TensorFlow Serving: the same gRPC and REST, in Python.

It follows TF Serving 2.16.1, the version of tensorflow-serving-api that is installed: codes and
sentences are word for word those of https://github.com/tensorflow/serving/tree/2.16.1, and where
a file here names its source, paths are below tensorflow_serving/ there.
"""
