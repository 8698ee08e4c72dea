"""Files of predictions, ensembles, out-of-fold predictions, scores and the submission."""
