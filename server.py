"""The server's command line: one verb for each thing that a process can do.

A verb imports what it runs when it runs: the whole server takes two seconds to import, and help should not.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.log_format import log_handler
from app.settings import Settings, misspelt_settings

SDL = Path(__file__).parent / "schema" / "schema.graphql"
RELEASED = Path(__file__).parent / "schema" / "released.graphql"

_EPILOG = "Settings come from the environment, such as HIVE_PORT=9000: see README.md."
_SERVE = "migrate, seed an empty database, and serve; everything that is not set is embedded"
_API = "serve from a database that is migrated already; never seeds"
_MIGRATE = "bring the database to the newest revision"
_SEED = "fill an empty database with deterministic data"
_DOCUMENTS = "look after documents in object storage and their index"
_REINDEX = "make the index of documents anew from object storage"
_VERIFY = "report objects that no row names, and rows whose objects are missing"
_SWEEP_DOCUMENTS = "delete objects that nothing has named for a day"
_BLOBS = "look after the files in object storage"
_SWEEP = "delete what nobody needs: files of deleted things, uploads never attached, objects that nothing names"
_SEARCH = "look after the search index"
_REINDEX_SEARCH = "write what is missing or outdated in the search index, while people search"
_VERIFY_SEARCH = "compare the search index with the objects; fails where it differs"
_WORKER = "do what happens after commits: consumers of the streams, beside `api`; `serve` does it itself"
_MAIL = "look after mail"
_MAIL_TEST = "send a mail to an address, to see whether it arrives"
_ADMIN = "administer the server"
_USERS = "look after accounts"
_USER_TASKS = {
    "list": "list accounts: address, name, status",
    "add": "make an account, whoever may register; prints the link with which its owner chooses a password",
    "suspend": "shut somebody out: all sessions end at once",
    "reactivate": "let somebody who was suspended sign in again",
    "force-reset": "take a password away, end all sessions, and send a link with which to choose another",
    "remove-factors": "remove the second factors of somebody who has lost them, and end all sessions",
    "grant-admin": "make somebody an administrator of the server",
    "revoke-admin": "make somebody no longer an administrator",
}
_ROTATE_KEYS = "add a key that signs tokens; the one before it is deleted when its tokens have expired"
_VERIFY_COUNTERS = "report the projects whose kept numbers of tasks are wrong; fails when there are any"
_REBUILD_COUNTERS = "count the tasks of all projects anew, while others write"
_VERIFY_AUDIT = "verify that audit logs are as they were written; fails where an entry was edited, removed, moved or added"
_EXPORT_AUDIT = "print the audit log of a team as JSON, an entry a line"
_SCHEMA = "print the graph as SDL"


def main(argv: list[str]) -> int:
    """Run one verb; the process's exit code."""
    asked = _parse_arguments(argv)
    if asked.verb == "schema":
        return _schema(check=asked.check, write=asked.write)
    try:
        settings = Settings(seed_size=asked.seed_size) if asked.seed_size else Settings()
    except ValidationError as error:
        return _refuse_settings(map(_settings_error, error.errors()))
    if misspelt := misspelt_settings():
        return _refuse_settings(misspelt)
    _set_up_logging(settings)
    with contextlib.suppress(KeyboardInterrupt):
        return _run_command(asked, settings)
    return 0


def _settings_error(error: ErrorDetails) -> str:
    """A line about a setting, and about what in it where it holds several values."""
    setting, *where = map(str, error["loc"])
    return ": ".join([f"HIVE_{setting.upper()}", *(" ".join(where),) * bool(where), error["msg"].removeprefix("Value error, ")])


def _refuse_settings(lines: Iterable[str]) -> int:
    print("These settings cannot be used:", *(f"  {line}" for line in lines), sep="\n", file=sys.stderr)
    return 2


def _run_command(arguments: argparse.Namespace, settings: Settings) -> int:
    from app.service_database import CannotStart
    from app.task_supervision import EXIT_CODE, BackgroundTaskDied
    from embedded import BinariesMissing, FolderInUse, PostgresFailed

    try:
        _run(_command(arguments, settings))
    except (CannotStart, FolderInUse, BinariesMissing, PostgresFailed) as error:
        print(error, file=sys.stderr)
        return 1
    except BackgroundTaskDied as error:
        print(error, file=sys.stderr)
        return EXIT_CODE
    return 0


def _parse_arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="server.py", description="PantheraHive's server.", epilog=_EPILOG, allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", metavar="verb", title="verbs (none: serve)")
    serving = verbs.add_parser("serve", help=_SERVE, description=_SERVE, epilog=_EPILOG)
    answering = verbs.add_parser("api", help=_API, description=_API, epilog=_EPILOG)
    working = verbs.add_parser("worker", help=_WORKER, description=_WORKER, epilog=_EPILOG)
    verbs.add_parser("migrate", help=_MIGRATE, description=_MIGRATE, epilog=_EPILOG)
    seeding = verbs.add_parser("seed", help=_SEED, description=_SEED, epilog=_EPILOG)
    blobs = verbs.add_parser("blobs", help=_BLOBS, description=_BLOBS, epilog=_EPILOG)
    blobs.add_subparsers(dest="task", metavar="task", required=True).add_parser("sweep", help=_SWEEP, description=_SWEEP)
    mail = verbs.add_parser("mail", help=_MAIL, description=_MAIL, epilog=_EPILOG)
    test = mail.add_subparsers(dest="task", metavar="task", required=True)
    test.add_parser("test", help=_MAIL_TEST, description=_MAIL_TEST).add_argument("address")
    printing = verbs.add_parser("schema", help=_SCHEMA, description=_SCHEMA)
    upkeep = verbs.add_parser("documents", help=_DOCUMENTS, description=_DOCUMENTS, epilog=_EPILOG).add_subparsers(
        dest="task", metavar="task", required=True
    )
    for name, description in (("reindex", _REINDEX), ("verify", _VERIFY), ("sweep", _SWEEP_DOCUMENTS)):
        upkeep.add_parser(name, help=description, description=description)
    searching = verbs.add_parser("search", help=_SEARCH, description=_SEARCH, epilog=_EPILOG).add_subparsers(
        dest="task", metavar="task", required=True
    )
    for name, description in (("reindex", _REINDEX_SEARCH), ("verify", _VERIFY_SEARCH)):
        searching.add_parser(name, help=description, description=description)
    administering = verbs.add_parser("admin", help=_ADMIN, description=_ADMIN, epilog=_EPILOG).add_subparsers(
        dest="task", metavar="task", required=True
    )
    _add_user_tasks(administering.add_parser("users", help=_USERS, description=_USERS))
    verifying = administering.add_parser("verify-audit", help=_VERIFY_AUDIT, description=_VERIFY_AUDIT)
    verifying.add_argument("team", nargs="?", help="key or id of one team; all without it")
    verifying.add_argument(
        "--anchors", type=Path, metavar="FILE", help="hashes from earlier runs, stored apart: compared, and added to"
    )
    exporting = administering.add_parser("export-audit", help=_EXPORT_AUDIT, description=_EXPORT_AUDIT)
    exporting.add_argument("team", help="key or id of the team")
    rotating = administering.add_parser("rotate-keys", help=_ROTATE_KEYS, description=_ROTATE_KEYS)
    for name, description in (("verify-counters", _VERIFY_COUNTERS), ("rebuild-counters", _REBUILD_COUNTERS)):
        administering.add_parser(name, help=description, description=description)
    if "admin" in argv:
        from app import admin, backup  # they import the whole server

        admin.add_arguments(administering)
        backup.add_arguments(administering)
    rotating.add_argument("--revoke", action="store_true", help="delete all other keys now: after one may have leaked")
    # Below a verb there is no default: it would overwrite what stands before the verb.
    for each, default in ((parser, None), (serving, argparse.SUPPRESS), (seeding, argparse.SUPPRESS)):
        sizes = ["none", "demo", "large"]
        each.add_argument("--seed-size", choices=sizes, default=default, help="instead of HIVE_SEED_SIZE")
    for each, count in ((parser, 1), (serving, argparse.SUPPRESS), (answering, argparse.SUPPRESS)):
        each.add_argument(
            "--workers",
            type=_worker_count,
            default=count,
            metavar="N",
            help="processes that answer behind the port; auto: one per core",
        )
    for each in (answering, working):  # given by the supervisor of several processes
        each.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    printing.add_argument("--write", action="store_true", help="to schema/schema.graphql")
    printing.add_argument(
        "--check", action="store_true", help="fail where schema/schema.graphql differs or clients of the last release break"
    )
    return parser.parse_args(argv)


def _add_user_tasks(parser: argparse.ArgumentParser) -> None:
    tasks = parser.add_subparsers(dest="user_task", metavar="task", required=True)
    listing = tasks.add_parser("list", help=_USER_TASKS["list"], description=_USER_TASKS["list"])
    listing.add_argument("query", nargs="?", help="part of a name or an address")
    adding = tasks.add_parser("add", help=_USER_TASKS["add"], description=_USER_TASKS["add"])
    adding.add_argument("email")
    adding.add_argument("--first-name", required=True)
    adding.add_argument("--last-name", required=True)
    adding.add_argument("--admin", action="store_true", help="they administer the server")
    for name in ("suspend", "reactivate", "force-reset", "remove-factors", "grant-admin", "revoke-admin"):
        task = tasks.add_parser(name, help=_USER_TASKS[name], description=_USER_TASKS[name])
        task.add_argument("email")
        if name == "suspend":
            task.add_argument("--reason", help="for other administrators")


def _worker_count(text: str) -> int:
    """A number of processes; 0 and `auto` mean one per core."""
    if text != "auto" and not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no number of processes")
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return (0 if text == "auto" else int(text)) or cores or 1


def _command(arguments: argparse.Namespace, settings: Settings) -> Coroutine[Any, Any, None]:
    match arguments.verb:
        case "documents":
            return _maintain_documents(settings, arguments.task)
        case "search":
            return _maintain_search(settings, arguments.task)
        case "migrate":
            return _migrate(settings)
        case "seed":
            return _seed(settings)
        case "mail":
            return _send_test_mail(settings, arguments.address)
        case "blobs":
            return _clean_up_blobs(settings)
        case "admin":
            from app import admin, backup

            if arguments.task == "dead-letters":
                return _print(admin.run_dead_letters(settings, arguments))
            if arguments.task in backup.TASKS:
                return _print(backup.run_task(settings, arguments))
            if arguments.task in ("verify-counters", "rebuild-counters"):
                return _look_after_counters(settings, arguments.task)
            if arguments.task in ("verify-audit", "export-audit"):
                return _look_after_audit_logs(settings, arguments)
            if arguments.task == "users":
                return _administer_users(settings, arguments)
            return _rotate_keys(settings, revoke_others=arguments.revoke)
        case "worker":
            return _work(settings, arguments.ready_fd)
    from app.serving import serve

    prepare = arguments.verb != "api"
    if arguments.verb == "api" and arguments.ready_fd is not None:
        from app.supervisor import serve_as_worker

        return serve_as_worker(settings, arguments.ready_fd)
    if arguments.workers > 1:
        from app.supervisor import serve_with_workers

        return serve_with_workers(settings, arguments.workers, prepare=prepare)
    return serve(settings, prepare=prepare)


async def _work(settings: Settings, ready_fd: int | None) -> None:
    from app.worker import serve_as_worker_process, serve_worker

    if ready_fd is not None:
        await serve_as_worker_process(settings, ready_fd)
    else:
        await serve_worker(settings, on_ready=lambda: print(f"PantheraHive's worker is up (process {os.getpid()}).", flush=True))


async def _print(lines: AsyncIterator[str]) -> None:
    async for line in lines:
        print(line)


async def _look_after_counters(settings: Settings, task: str) -> None:
    from app.counters import rebuild_counters, verify_counters

    print(await (verify_counters if task == "verify-counters" else rebuild_counters)(settings))


async def _look_after_audit_logs(settings: Settings, arguments: argparse.Namespace) -> None:
    from app.audit import export_audit, verify_audit

    verifying = arguments.task == "verify-audit"
    lines = verify_audit(settings, arguments.team, arguments.anchors) if verifying else export_audit(settings, arguments.team)
    await _print(lines)


async def _migrate(settings: Settings) -> None:
    from app.migration import migrate
    from app.service_database import open_database_url

    async with open_database_url(settings) as url:
        print("The database is migrated." if await migrate(url) else "There is nothing to migrate.")


async def _maintain_documents(settings: Settings, task: str) -> None:
    from app.document_maintenance import check_documents, reindex_documents, sweep_documents

    print(await {"reindex": reindex_documents, "verify": check_documents}.get(task, sweep_documents)(settings))


async def _maintain_search(settings: Settings, task: str) -> None:
    from app.migration import migrate
    from app.search_maintenance import reindex_search, verify_search
    from app.service_database import open_database_url

    async with open_database_url(settings) as url:
        await migrate(url)
        await _print((reindex_search if task == "reindex" else verify_search)(settings, url))


async def _seed(settings: Settings) -> None:
    from app.seeding import seed_once

    await _print(seed_once(settings))


async def _send_test_mail(settings: Settings, address: str) -> None:
    from app.mail_command import send_test_mail

    await send_test_mail(settings, address)
    print(f"A mail to {address} was accepted.")


async def _clean_up_blobs(settings: Settings) -> None:
    from app.blob_cleanup import clean_up_blobs_once

    print(await clean_up_blobs_once(settings))


async def _administer_users(settings: Settings, asked: argparse.Namespace) -> None:
    from app import administration

    match asked.user_task:
        case "list":
            print(await administration.list_accounts(settings, asked.query))
        case "add":
            names = {"first_name": asked.first_name, "last_name": asked.last_name}
            print(await administration.add_account(settings, asked.email, **names, is_administrator=asked.admin))
        case task:
            reason = getattr(asked, "reason", None)
            print(await administration.change_account(settings, asked.email, task, reason=reason))


async def _rotate_keys(settings: Settings, *, revoke_others: bool) -> None:
    from app.keys import rotate_keys
    from app.migration import migrate
    from app.service_database import open_database_url

    async with open_database_url(settings) as url:
        await migrate(url)
        print(await rotate_keys(settings, url, revoke_others=revoke_others))


def _schema(*, check: bool, write: bool) -> int:
    from graphql import build_schema
    from graphql.utilities import find_breaking_changes

    from schema.root import schema

    printed = schema.as_str().rstrip() + "\n"
    if write:
        SDL.write_text(printed)
    elif not check:
        print(printed, end="")
    elif SDL.read_text() != printed:
        print("schema/schema.graphql is not what the code prints.")
        print("Run `python server.py schema --write` and review the difference.")
        return 1
    elif broken := find_breaking_changes(build_schema(RELEASED.read_text()), build_schema(printed)):
        print("The graph breaks clients of the last release:", *(f"  {each.description}" for each in broken), sep="\n")
        return 1
    return 0


def _set_up_logging(settings: Settings) -> None:
    logging.basicConfig(level=settings.log_level.upper(), handlers=[log_handler()])
    for chatty in ("alembic.runtime.plugins", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run it on uvloop where there is one. SIGTERM ends it as Ctrl-C does: what is open is closed, in reverse.

    SIGINT gets its handler even where the process inherits that it is ignored, as a shell's background jobs do: nothing else
    would end it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        import uvloop
    except ImportError:
        asyncio.run(coroutine)
    else:
        uvloop.run(coroutine)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
