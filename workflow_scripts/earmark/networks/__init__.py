"""Networks: a catalogue of them that needs no torch, a module for each family, the autoencoder.

To add one, write its function ``name(input_shape, classes, **options)`` in a module here and its
entry in ``catalogue.NETWORKS``. Nothing else has to know of it.
"""
