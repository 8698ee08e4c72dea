"""What models say and how good it is: predictions, ensembles, out-of-fold, scores, submission."""
