"""The same 200 articles, 20 users and 30 tags every time."""
from datetime import datetime, timedelta

from .models import Article, Tag, User

USERS, TAGS, ARTICLES = 20, 30, 200
FIRST_DAY = datetime(2024, 1, 1, 9, 0, 0)
SENTENCES = (
    "The pantry was full before the guests arrived.",
    "What is close at hand need not be fetched again.",
    "Nobody asked the kitchen twice for the same dish.",
    "A label said when each jar had to be opened.",
    "Whatever was replaced, the old jar left the shelf first.",
)


def seed(session):
    users = [
        User(id=n, name=f"user{n}", email=f"user{n}@example.org", bio=f"Writes about topic {n}.")
        for n in range(1, USERS + 1)
    ]
    tags = [Tag(id=n, name=f"tag-{n:02d}") for n in range(1, TAGS + 1)]
    session.add_all(users + tags)
    session.flush()
    for n in range(1, ARTICLES + 1):
        created = FIRST_DAY + timedelta(hours=7 * n)
        session.add(
            Article(
                id=n,
                title=f"Article {n}",
                content=" ".join(SENTENCES[(n + k) % len(SENTENCES)] for k in range(8)),
                published=n % 4 != 0,
                author_id=users[n % USERS].id,
                tags=[tags[n % TAGS], tags[(n + 11) % TAGS]],
                created_at=created,
                updated_at=created,
            )
        )
    session.commit()
