import time
from datetime import datetime

from sqlalchemy import create_engine
from sqlalchemy.orm import declarative_base, sessionmaker
from sqlalchemy.pool import QueuePool

from . import settings

engine = create_engine(
    "sqlite:///" + settings.database_file,
    connect_args={"check_same_thread": False},
    poolclass=QueuePool,
    pool_size=settings.database_connections,
    max_overflow=0,
    pool_timeout=120,
)
SessionLocal = sessionmaker(bind=engine, autoflush=False, expire_on_commit=False)
Base = declarative_base()


def take_query_time(session, seconds):
    """Holds the session's connection for so long, as a query over a large table would."""
    if seconds > 0:
        session.connection()
        time.sleep(seconds)


def current_time():
    if settings.frozen_clock:
        return datetime.fromisoformat(settings.frozen_clock)
    return datetime.utcnow()
