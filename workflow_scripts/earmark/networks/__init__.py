"""Networks: a catalogue that needs no torch, a module for each family, the autoencoder.

To add a network, write its function ``name(input_shape, classes, **options)`` in a module here and
its entry (module, smallest input, options) in ``catalogue.NETWORKS``; ``build`` finds it there.
"""
