"""The tagger, files in and out."""
