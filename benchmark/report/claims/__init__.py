"""Numbers in prose that are held against the csv: each is claimed in a file beside its document, and checked."""
