"""grpc.health.v1: what the probes of Kubernetes, load balancers and clients ask.

TF Serving has it behind --enable_grpc_healthcheck_service, with short names for the services.
Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md.
"""

import threading
from typing import Any

import grpc
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse

# The server as a whole, and each of its services: they stand and fall together.
SERVICES = (
    health.OVERALL_HEALTH,
    "tensorflow.serving.PredictionService",
    "tensorflow.serving.ModelService",
    "PredictionService",
    "ModelService",
)


class Health(health.HealthServicer):
    """Says SERVING while every model can answer, and NOT_SERVING before and after."""

    def __init__(self) -> None:
        super().__init__()
        self._status: int | None = None
        self._changing = threading.Lock()
        self._watches: set[grpc.ServicerContext] = set()
        self.update(False)

    def update(self, is_serving: bool) -> None:
        """Says how the models stand; those who watch are told when that has changed."""
        status = HealthCheckResponse.SERVING if is_serving else HealthCheckResponse.NOT_SERVING
        with self._changing:
            if status == self._status:
                return
            self._status = status
            for service in SERVICES:
                self.set(service, status)

    def drain(self) -> None:
        """Says NOT_SERVING for good, and lets go of those who watch: they would never leave."""
        self.enter_graceful_shutdown()
        for context in list(self._watches):
            context.cancel()

    def Watch(
        self, request: Any, context: grpc.ServicerContext, send_response_callback: Any = None
    ) -> Any:
        """See base class."""
        self._watches.add(context)
        context.add_callback(lambda: self._watches.discard(context))
        return super().Watch(request, context, send_response_callback)
