"""Configuration, fine-tuning, evaluation and tracking."""
