"""Features: what networks get of a clip, in a compact stored form, and the files that hold it.

``settings.parse`` turns a config entry into the feature that it describes, ``store`` keeps what
that computes. To add a kind, write its class in a module here (see ``settings.Feature``), its entry
in ``catalogue.KINDS`` and its settings in the config's schema.
"""
