"""Tables and figures for readers."""
