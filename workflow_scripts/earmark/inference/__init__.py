"""From features to class probabilities: crops, batches, hardware, predicting, metrics."""
