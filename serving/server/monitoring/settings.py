"""`--monitoring_config_file`: whether a server shows its metrics, and where."""

from serving.server.text_protos import MonitoringConfig, read_text_proto

DEFAULT_PATH = "/monitoring/prometheus/metrics"


def metrics_path(monitoring_config_file: str) -> str | None:
    """Where the page with the metrics is; None if there is to be none.

    Args:
        monitoring_config_file: a text MonitoringConfig; empty for none.

    Raises:
        ConfigError: if the file cannot be read or is no MonitoringConfig.
    """
    if not monitoring_config_file:
        return None
    config = read_text_proto("monitoring_config_file", monitoring_config_file, MonitoringConfig())
    prometheus = config.prometheus_config
    return (prometheus.path or DEFAULT_PATH) if prometheus.enable else None
