"""The gRPC side of the server: ports, services, health, TLS."""
