"""Features: the inputs of networks, computed from clips, and the HDF5 files that store them.

``settings.parse`` turns a config entry into the feature that it describes, ``store`` keeps the
arrays that it computes. To add a kind, write its class in a module here (``settings.Feature``), its
entry in ``catalogue.KINDS`` and its settings in the config's schema.
"""
