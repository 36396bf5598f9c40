from typing import List, Optional

from fastapi import FastAPI, HTTPException, Query, Response
from sqlalchemy import func
from sqlalchemy.orm import Session, joinedload, selectinload

from . import settings
from .database import Base, SessionLocal, current_time, engine, take_query_time
from .models import Article, Tag, User
from .schemas import ArticleIn, ArticleOut, ArticlePatch, TagOut, UserOut
from .seed import seed

app = FastAPI(title="Articles")


@app.on_event("startup")
def prepare_database():
    Base.metadata.create_all(engine)
    with SessionLocal() as session:
        if session.query(func.count(User.id)).scalar() == 0:
            seed(session)


def articles_query(session: Session):
    return session.query(Article).options(joinedload(Article.author), selectinload(Article.tags))


def find_article(session: Session, article_id: int) -> Article:
    article = articles_query(session).filter(Article.id == article_id).one_or_none()
    if article is None:
        raise HTTPException(404, "Article not found")
    return article


def find_tags(session: Session, names: List[str]) -> List[Tag]:
    """The tags of these names; those that do not exist yet are made."""
    found = {tag.name: tag for tag in session.query(Tag).filter(Tag.name.in_(names))}
    return [found.get(name) or Tag(name=name) for name in dict.fromkeys(names)]


@app.get("/articles", response_model=List[ArticleOut])
def list_articles(
    skip: int = Query(0, ge=0),
    limit: int = Query(20, ge=1, le=100),
    published_only: bool = True,
    tag: Optional[str] = None,
):
    with SessionLocal() as session:
        take_query_time(session, settings.list_seconds)
        query = articles_query(session)
        if published_only:
            query = query.filter(Article.published.is_(True))
        if tag is not None:
            query = query.filter(Article.tags.any(Tag.name == tag))
        return query.order_by(Article.created_at.desc(), Article.id.desc()).offset(skip).limit(limit).all()


@app.get("/articles/{article_id}", response_model=ArticleOut)
def read_article(article_id: int):
    with SessionLocal() as session:
        take_query_time(session, settings.detail_seconds)
        return find_article(session, article_id)


@app.post("/articles", response_model=ArticleOut, status_code=201)
def create_article(given: ArticleIn, response: Response):
    with SessionLocal() as session:
        if session.get(User, given.author_id) is None:
            raise HTTPException(404, "Author not found")
        now = current_time()
        article = Article(
            **given.dict(exclude={"tags"}), tags=find_tags(session, given.tags), created_at=now, updated_at=now
        )
        session.add(article)
        session.commit()
        session.expire_all()
        response.headers["Location"] = f"/articles/{article.id}"
        return find_article(session, article.id)


@app.put("/articles/{article_id}", response_model=ArticleOut)
def replace_article(article_id: int, given: ArticleIn):
    with SessionLocal() as session:
        article = find_article(session, article_id)
        if session.get(User, given.author_id) is None:
            raise HTTPException(404, "Author not found")
        for name, value in given.dict(exclude={"tags"}).items():
            setattr(article, name, value)
        article.tags = find_tags(session, given.tags)
        article.updated_at = current_time()
        session.commit()
        session.expire_all()
        return find_article(session, article_id)


@app.patch("/articles/{article_id}", response_model=ArticleOut)
def change_article(article_id: int, given: ArticlePatch):
    with SessionLocal() as session:
        article = find_article(session, article_id)
        changes = given.dict(exclude_unset=True)
        if changes.get("tags") is not None:
            article.tags = find_tags(session, changes.pop("tags"))
        for name, value in changes.items():
            if value is not None:
                setattr(article, name, value)
        article.updated_at = current_time()
        session.commit()
        session.expire_all()
        return find_article(session, article_id)


@app.delete("/articles/{article_id}", status_code=204, response_class=Response)
def delete_article(article_id: int):
    with SessionLocal() as session:
        session.delete(find_article(session, article_id))
        session.commit()
        return Response(status_code=204)


@app.get("/users", response_model=List[UserOut])
def list_users(skip: int = Query(0, ge=0), limit: int = Query(20, ge=1, le=100)):
    with SessionLocal() as session:
        take_query_time(session, settings.list_seconds)
        return session.query(User).order_by(User.id).offset(skip).limit(limit).all()


@app.get("/users/{user_id}", response_model=UserOut)
def read_user(user_id: int):
    with SessionLocal() as session:
        take_query_time(session, settings.detail_seconds)
        user = session.get(User, user_id)
        if user is None:
            raise HTTPException(404, "User not found")
        return user


@app.get("/tags", response_model=List[TagOut])
def list_tags():
    with SessionLocal() as session:
        take_query_time(session, settings.list_seconds)
        return session.query(Tag).order_by(Tag.id).all()
