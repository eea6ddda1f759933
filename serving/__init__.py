"""The pushed model behind gRPC: a client, and a local server that speaks TF Serving's API."""
