"""The HTTP service, ``claimwire serve`` (the extra ``[serve]``)."""
