"""What the project and its libraries have to say while they work."""

import logging
import os
import warnings

from pipeline.console import terminal


def set_up_logging(verbose: bool, *packages: str) -> None:
    """Shows what these packages of this project have to say, and the libraries only if `verbose`.

    Call it before TensorFlow and gRPC are imported: their C++ parts read their levels then.
    """
    handler = _ConsoleHandler(logging.INFO)
    for package in packages:
        logger = logging.getLogger(package)
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
        logger.propagate = False
    if verbose:
        logging.basicConfig(level=logging.INFO)
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what fails is in the error already
    os.environ.setdefault("GLOG_minloglevel", "3")  # ML Metadata's: so it is there
    warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())
    for library in ("absl", "tensorflow", "apache_beam"):
        logging.getLogger(library).propagate = False
        logging.getLogger(library).addHandler(logging.NullHandler())


class _ConsoleHandler(logging.Handler):
    """Prints messages where they do not disturb a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        terminal.stderr.print(terminal.literal(self.format(record)), soft_wrap=True)
