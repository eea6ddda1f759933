"""A local stand-in for TensorFlow Serving: the same gRPC and REST, in Python."""
