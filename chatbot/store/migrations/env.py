"""What alembic runs: the steps that lack, over the connection that it is given."""

from alembic import context

from chatbot.store.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True)
context.run_migrations()
