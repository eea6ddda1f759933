r"""TLS and mutual TLS for gRPC, by TF Serving's --ssl_config_file. No TensorFlow here.

    server_key: "-----BEGIN PRIVATE KEY-----\n..."
    server_cert: "-----BEGIN CERTIFICATE-----\n..."
    custom_ca: "-----BEGIN CERTIFICATE-----\n..."   clients' certificates are signed by it
    client_verify: true                             clients must have one

Source: BuildServerCredentials in TF Serving, model_servers/server.cc.
"""

import grpc

from modules.errors import ConfigError
from serving.server.text_protos import SSLConfig, read_text_proto


def server_credentials(ssl_config_file: str) -> grpc.ServerCredentials:
    """What a server shows its clients, and asks of them.

    Args:
        ssl_config_file: text SSLConfig. The key and the certificates are in it in PEM: it is as
            secret as the key.

    Raises:
        ConfigError: if the file is not that, or lacks what it takes.
    """
    config = read_text_proto("ssl_config_file", ssl_config_file, SSLConfig())
    needed = ["server_key", "server_cert", *(["custom_ca"] if config.client_verify else [])]
    for name in needed:
        if "-----BEGIN " not in getattr(config, name):
            raise ConfigError(
                f"{{ssl_config_file}} has no PEM in {name}: put in the text of the file, with \\n "
                "for its line ends",
                {"ssl_config_file": ssl_config_file},
            )
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )
