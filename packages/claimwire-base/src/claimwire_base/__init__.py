"""Files only, which claimwire reads: the release claimwire-base."""
