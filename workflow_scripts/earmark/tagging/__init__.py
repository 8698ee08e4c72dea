"""Using Earmark outside the workflow: the command ``earmark``."""
