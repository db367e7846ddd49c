"""The HTTP API: each module registers the calls of one subject."""
