"""Alembic migrations of the review desk's database; they are run by the store when it opens."""
