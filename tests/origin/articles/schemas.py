from datetime import datetime
from typing import List, Optional

from pydantic import BaseModel, Field


class TagOut(BaseModel):
    id: int
    name: str

    class Config:
        orm_mode = True


class UserOut(BaseModel):
    id: int
    name: str
    email: str
    bio: str

    class Config:
        orm_mode = True


class ArticleIn(BaseModel):
    title: str = Field(..., min_length=1, max_length=200)
    content: str
    published: bool = False
    author_id: int
    tags: List[str] = []


class ArticlePatch(BaseModel):
    title: Optional[str] = Field(None, min_length=1, max_length=200)
    content: Optional[str] = None
    published: Optional[bool] = None
    tags: Optional[List[str]] = None


class ArticleOut(BaseModel):
    id: int
    title: str
    content: str
    published: bool
    author: UserOut
    tags: List[TagOut]
    created_at: datetime
    updated_at: datetime

    class Config:
        orm_mode = True
