"""Which versions of which models are loaded, answer, drain and are gone."""
