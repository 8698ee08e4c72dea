"""The data set: its layout and lists, the index, decoding and inspection, folds, fetching."""
