"""What the environment may change, each read once when the service starts.

ARTICLES_DB               the SQLite file (a temporary one, gone with the process)
ARTICLES_LIST_MS          artificial query time of a list in milliseconds (180); 0 switches it off
ARTICLES_DETAIL_MS        the same for a single row (55)
ARTICLES_DB_CONNECTIONS   size of the connection pool (1: queries wait for each other, as in many a small service)
ARTICLES_CLOCK            an ISO time that stands still, so that two runs write the same timestamps (the real clock)
"""
import atexit
import os
import shutil
import tempfile


def _database_file():
    given = os.environ.get("ARTICLES_DB")
    if given:
        return given
    folder = tempfile.mkdtemp(prefix="articles-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return os.path.join(folder, "articles.sqlite")


database_file = _database_file()
list_seconds = float(os.environ.get("ARTICLES_LIST_MS", "180")) / 1000
detail_seconds = float(os.environ.get("ARTICLES_DETAIL_MS", "55")) / 1000
database_connections = int(os.environ.get("ARTICLES_DB_CONNECTIONS", "1"))
frozen_clock = os.environ.get("ARTICLES_CLOCK")
