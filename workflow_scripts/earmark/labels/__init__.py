"""Which labels are learned from: the label table, groups, spreading, selections, pseudo-labels."""
