"""Asks a served model, over gRPC: blocking, or with asyncio. No TensorFlow here."""

from serving.client.aio import AsyncLyricsClient
from serving.client.blocking import LyricsClient
from serving.client.connection import Tls

__all__ = ["AsyncLyricsClient", "LyricsClient", "Tls"]
