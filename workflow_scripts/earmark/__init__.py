"""Earmark: learn a sound tagger from partly verified labels."""
