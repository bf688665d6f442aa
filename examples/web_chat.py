"""A chat over HTTP: each user sees his own sessions, answers are streamed, and requests can be sent again.

    python examples/web_chat.py --serve chat.db    serve it on http://127.0.0.1:8000; /docs describes it
    python examples/web_chat.py                    check what it promises, over real connections

It needs ``holdfast[sqlite]``, ``fastapi``, ``uvicorn`` and, for the check, ``httpx``. The check is two users of a
server in this process; one of them hangs up in the middle of an answer. It ends with 1 if a promise does not hold.
"""

import asyncio
import socket
import sqlite3
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import uvicorn
from fastapi import APIRouter, Body, Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

import holdfast
from holdfast import (
    DuplicateIdConflict,
    HoldfastError,
    InvalidArgument,
    Message,
    NotFound,
    PersistenceManager,
    VersionConflict,
)

# --- the server -----------------------------------------------------------------------------------------

USERS = {"token-of-jane": "jane", "token-of-joe": "joe"}  # stands in for real authentication; put yours here
STATUS = {NotFound: 404, VersionConflict: 409, DuplicateIdConflict: 409, InvalidArgument: 422}

router = APIRouter()


class Echo:
    """Stands in for a model.

    Attributes:
        pace: Seconds between two words.
        asked: How often it was paid for.
    """

    pace = 0.1
    asked = 0

    async def answer(self, history: list[Message]) -> AsyncGenerator[str]:
        """Stream an answer."""
        self.asked += 1
        for word in f"You said: {history[-1].text}".split():
            yield f"{word} "
            await asyncio.sleep(self.pace)


async def chats_of_user(request: Request, authorization: Annotated[str, Header()] = "") -> PersistenceManager:
    """The one place where it matters who asks: in this view there are no chats of others."""
    user = USERS.get(authorization.removeprefix("Bearer "))
    if user is None:
        raise HTTPException(401)
    manager: PersistenceManager = request.app.state.manager
    return manager.for_user(user)


Chats = Annotated[PersistenceManager, Depends(chats_of_user)]
Text = Annotated[str, Body(embed=True)]
Key = Annotated[str, Header(alias="Idempotency-Key")]


@router.post("/chats", status_code=201)
async def begin(chats: Chats) -> dict[str, str]:
    """Begin a chat. The server makes the id, so that no refusal tells which ones others have."""
    return {"id": (await chats.load_or_create(uuid4().hex)).id}


async def answering(
    request: Request, chat_id: str, text: Text, key: Key, chats: Chats
) -> AsyncGenerator[AsyncGenerator[str]]:
    """The answer to come. It is closed with its request, when it is sent or when the client is gone."""
    async with aclosing(talk(chats, chat_id, text, key, request.app.state.model)) as answer:
        await anext(answer)  # what goes wrong up to here still becomes a status
        yield answer


@router.post("/chats/{chat_id}/messages")
async def say(answer: Annotated[AsyncGenerator[str], Depends(answering)]) -> StreamingResponse:
    """Say something; the answer is streamed. Sent again with the same key, it is stored once."""
    return StreamingResponse(answer, media_type="text/plain")


async def talk(chats: PersistenceManager, chat_id: str, text: str, key: str, model: Echo) -> AsyncGenerator[str]:
    """One turn, with the request's key as its id. Where the client hangs up, nothing of the answer is stored."""
    async with chats.session(chat_id, create=False) as session, session.turn(key) as turn:
        turn.add("user", text)
        await turn.checkpoint()
        yield ""  # what the user has said is durable now
        history = await session.history()
        answers = [message.text for message in history if message.turn_id == key and message.role == "assistant"]
        if answers:  # by an earlier try: nobody pays for it again
            yield answers[0]
            return
        words: list[str] = []
        async with aclosing(model.answer(history)) as stream:
            async for word in stream:
                words.append(word)
                yield word
        turn.add("assistant", "".join(words))
    # The response ends here, behind the commit: who has seen its end has an answer that is stored.


@router.get("/chats")
async def find(chats: Chats) -> list[dict[str, Any]]:
    """The user's chats, last used first: one page of them."""
    return [{"id": chat.id, "messages": chat.message_count} for chat in await chats.sessions()]


@router.get("/chats/{chat_id}")
async def read(chat_id: str, chats: Chats) -> list[dict[str, Any]]:
    """What was said."""
    return await chats.history(chat_id, as_dicts=True)


@router.delete("/chats/{chat_id}", status_code=204)
async def delete(chat_id: str, chats: Chats) -> None:
    """Delete one chat."""
    if not await chats.delete(chat_id):
        raise NotFound


@router.get("/me/export")
async def export(chats: Chats) -> StreamingResponse:
    """All that is stored of the user, as lines of JSON."""
    lines = chats.export_user()
    return StreamingResponse((f"{line}\n" async for line in lines), media_type="application/jsonl")


@router.delete("/me")
async def forget(chats: Chats) -> dict[str, int | bool]:
    """Erase the user; where he goes on chatting meanwhile it may not be finished, and is to be asked for again."""
    erased = await chats.erase_user()
    return {"sessions": erased.sessions, "finished": erased.finished}


async def explain(_: Request, error: Exception) -> JSONResponse:
    """An error of holdfast as a status: 503 where the same request may simply be sent again."""
    if isinstance(error, HoldfastError) and error.retryable:
        return JSONResponse({"error": type(error).__name__}, 503, {"Retry-After": "1"})
    for kind, status in STATUS.items():
        if isinstance(error, kind):
            return JSONResponse({"error": kind.__name__}, status)
    raise error  # 500, and a line in the server's log


def make_app(url: str, model: Echo) -> FastAPI:
    """The application. Adapter and manager live as long as it does."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with holdfast.open(url) as adapter, PersistenceManager(adapter) as manager:
            app.state.manager, app.state.model = manager, model
            yield

    app = FastAPI(title="Chat", lifespan=lifespan, exception_handlers={HoldfastError: explain})
    app.include_router(router)
    return app


# --- what is promised -----------------------------------------------------------------------------------


async def main(path: Path) -> None:
    """Serve, and be the clients."""
    model, ended = Echo(), asyncio.Event()
    app = make_app(f"sqlite:///{quote(path.as_posix())}?timeout=2", model)
    async with serving(app, ended) as url, client(url, "jane") as jane, client(url, "joe") as joe:
        chat = f"/chats/{(await jane.post('/chats')).json()['id']}"
        print("Jane hangs up in the middle of an answer:")
        model.pace = 60
        async with jane.stream("POST", f"{chat}/messages", **saying("Hello!", key="1")) as answer:
            print(f"  she reads: {await anext(answer.aiter_text())}")
        await ended.wait()  # her request has, on the server
        check("what she said is kept, and nothing of the answer", await said(jane, chat) == ["Hello!"])
        await check_retries(jane, chat, model)
        print("Joe tries Jane's chat, and one that nobody has:")
        await check_isolation(joe, chat)
        print("The database is busy for too long:")
        await check_busy(jane, chat, path)
        print("Jane asks for all that is stored, and then to be forgotten:")
        await check_rights(jane, joe)


async def check_retries(jane: httpx.AsyncClient, chat: str, model: Echo) -> None:
    """One key, one turn, whatever became of the first try."""
    model.pace = 0
    answers = [await jane.post(f"{chat}/messages", **saying("Hello!", key="1")) for _ in range(2)]
    check("sent again, it is answered", answers[0].text == "You said: Hello! ")
    check("once more, with the same answer", answers[1].text == answers[0].text)
    check("both are stored once", await said(jane, chat) == ["Hello!", "You said: Hello! "])
    check("and paid for twice: when she hung up, and when it was answered", model.asked == 2)
    other = await jane.post(f"{chat}/messages", **saying("Good bye!", key="1"))
    check("other words with the same key are refused with 409", other.status_code == 409)


async def check_isolation(joe: httpx.AsyncClient, chat: str) -> None:
    """To Joe, Jane's chat and none are the same, whatever he does."""
    for where in (chat, "/chats/none"):
        said = await joe.post(f"{where}/messages", **saying("Hello, Jane!", key="2"))
        answers = [said, await joe.get(where), await joe.delete(where)]
        check("404 to write, to read, and to delete", [answer.status_code for answer in answers] == [404] * 3)
    check("he has no chats", (await joe.get("/chats")).json() == [])
    check("without a token: 401", (await joe.get("/chats", headers={"Authorization": ""})).status_code == 401)


async def check_busy(jane: httpx.AsyncClient, chat: str, path: Path) -> None:
    """A request that failed for now can be sent again as it is."""
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = await jane.post(f"{chat}/messages", **saying("Are you there?", key="3"))
        check("503, and when to try again", (answer.status_code, answer.headers.get("Retry-After")) == (503, "1"))
    await jane.post(f"{chat}/messages", **saying("Are you there?", key="3"))
    check(
        "sent again, it is stored once",
        (await said(jane, chat))[2:] == ["Are you there?", "You said: Are you there? "],
    )


async def check_rights(jane: httpx.AsyncClient, joe: httpx.AsyncClient) -> None:
    """Everything of hers, and nothing of his."""
    await joe.post("/chats")
    lines = (await jane.get("/me/export")).text.splitlines()
    check(f"{len(lines)} lines: a header, a chat, four messages, a footer", len(lines) == 7)
    check("one chat is erased", (await jane.delete("/me")).json() == {"sessions": 1, "finished": True})
    left = [len((await user.get("/chats")).json()) for user in (jane, joe)]
    check("she has none left, and Joe has his", left == [0, 1])


def saying(text: str, *, key: str) -> dict[str, Any]:
    """A request."""
    return {"json": {"text": text}, "headers": {"Idempotency-Key": key}}


async def said(user: httpx.AsyncClient, chat: str) -> list[str]:
    """What is stored, as the user sees it."""
    return [message["content"] for message in (await user.get(chat)).json()]


def client(url: str, user: str) -> httpx.AsyncClient:
    """A user's connection."""
    headers = {"Authorization": f"Bearer token-of-{user}"}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False)


@asynccontextmanager
async def serving(app: FastAPI, ended: asyncio.Event) -> AsyncGenerator[str]:
    """Serve on a free port; ``ended`` is set when a request to say something has ended."""

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        finally:
            if scope.get("path", "").endswith("/messages"):
                ended.set()

    with socket.create_server(("127.0.0.1", 0)) as listening:  # clients may knock before it is up
        server = uvicorn.Server(uvicorn.Config(noting, log_level="warning"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


def check(promise: str, kept: bool) -> None:  # noqa: FBT001 - reads as a sentence
    """Print a promise that was kept; end with 1 at one that was not."""
    print(f"  {'[ok]' if kept else '[BROKEN]'} {promise}", flush=True)
    if not kept:
        sys.exit(1)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve", path]:
            uvicorn.run(make_app(f"sqlite:///{quote(path)}", Echo()))
        case [path]:
            asyncio.run(main(Path(path)))
        case _:
            with TemporaryDirectory() as folder:
                asyncio.run(main(Path(folder, "chat.db")))
