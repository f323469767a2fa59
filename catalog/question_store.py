"""Questions that were filed in the portal, and their sealed answers: a typed repository beside the store of requests.

A row holds what was asked (public), whose it is (a key's fingerprint), and the answer sealed to that key. Not here: who may
ask and who answers (`question_desk.py`).
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, Select, insert, select, update

from catalog import tables as t
from catalog.database import open_engine, reading
from catalog.dp_questions import Asked, Question


@dataclass(frozen=True, slots=True)
class FiledQuestion:
    """One question of the portal; `sealed_answer` is there exactly since the answer."""

    id: str
    request_id: str
    owner: str
    asked: Asked
    asked_on: date
    answered_on: date | None = None
    sealed_answer: bytes | None = field(default=None, repr=False)

    @property
    def question(self) -> Question:
        """The question under its request, as it is answered."""
        return Question(request=self.request_id, **self.asked.model_dump())


class QuestionStore:
    """The durable memory of questions; `open` is the only way in."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, location: Path | str) -> "QuestionStore":
        """Open the store in the catalog's database; make its table where it is missing."""
        engine = open_engine(location)
        t.metadata.create_all(engine)
        return cls(engine)

    def close(self) -> None:
        """Close the store's connections."""
        self._engine.dispose()

    def add(self, question: FiledQuestion) -> None:
        """Store a question that nobody answered yet."""
        with self._engine.begin() as connection:
            connection.execute(
                insert(t.questions).values(
                    id=question.id,
                    request_id=question.request_id,
                    owner=question.owner,
                    asked_on=question.asked_on,
                    body=question.asked.model_dump_json(),
                )
            )

    def answer(self, question_id: str, sealed: bytes, *, on: date) -> None:
        """Store the sealed answer of a question; a later one takes its place."""
        with self._engine.begin() as connection:
            row = update(t.questions).where(t.questions.c.id == question_id)
            connection.execute(row.values(sealed_answer=b64encode(sealed).decode("ascii"), answered_on=on))

    def question(self, question_id: str) -> FiledQuestion | None:
        """Return a question, or None."""
        found = self._read(select(t.questions).where(t.questions.c.id == question_id))
        return found[0] if found else None

    def of_owner(self, owner: str) -> tuple[FiledQuestion, ...]:
        """Return the questions of a key's owner, oldest first."""
        return self._read(select(t.questions).where(t.questions.c.owner == owner))

    def questions(self) -> tuple[FiledQuestion, ...]:
        """Return all questions, oldest first."""
        return self._read(select(t.questions))

    def _read(self, query: Select[Any]) -> tuple[FiledQuestion, ...]:
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(t.questions.c.asked_on, t.questions.c.id)).all()
        return tuple(_filed(row) for row in rows)


def _filed(row: Row[Any]) -> FiledQuestion:
    return FiledQuestion(
        id=row.id,
        request_id=row.request_id,
        owner=row.owner,
        asked=Asked.model_validate_json(row.body),
        asked_on=row.asked_on,
        answered_on=row.answered_on,
        sealed_answer=None if row.sealed_answer is None else b64decode(row.sealed_answer),
    )
