"""What Snakemake needs to know before anything runs: the plan, the index of clips, code hashes."""
