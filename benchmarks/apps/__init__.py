"""Apps to compare the service with: the bare minimum, and quick builds without it."""
