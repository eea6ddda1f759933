"""How the stages are wired, configured and run."""
