"""Files only, which claimwire reads: the encoder packaged:claimwire."""
