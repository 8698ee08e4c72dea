"""Training: the loop, classifiers, the autoencoder, checkpoints, recipes, seeds."""
