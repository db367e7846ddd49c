"""Values that are stored and sent: reports, events, audit entries, API keys, the board, proposals."""
