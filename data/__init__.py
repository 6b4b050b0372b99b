"""Labels, documents, the corpus, splits and checks; article text to sentences."""
