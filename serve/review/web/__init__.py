"""The review desk in the browser (the extra ``[review]``)."""
