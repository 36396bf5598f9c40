"""An articles service as one writes it with FastAPI and SQLAlchemy. It knows nothing of caching."""
