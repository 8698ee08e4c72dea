"""What only the tables and figures of the 2018 report need."""
