"""The HTTP side of the server: TensorFlow Serving's REST API and its JSON."""
