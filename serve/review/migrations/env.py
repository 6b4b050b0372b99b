"""Alembic's environment: it runs on the connection that the store hands over."""

from alembic import context

from claimwire.serve.review.migrate import VERSION_TABLE
from claimwire.serve.review.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
# The store began the transaction and commits it: tables and version appear together or not at all.
context.run_migrations()
