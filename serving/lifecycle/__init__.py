"""Which versions of which models are loaded: polling, loading, unloading, version policies and labels."""
