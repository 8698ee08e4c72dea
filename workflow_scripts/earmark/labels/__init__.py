"""Which labels are used for training: label table, spreading, selections, pseudo-labels."""
