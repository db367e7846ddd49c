"""What is served and worked off beside the service: the bare minimum, and what one would build without it."""
