"""The directory of a pipeline's runs: held by one process, and rid of what others left behind."""
