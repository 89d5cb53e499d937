"""Before anything is timed: all contestants give the same answers, nobody sees what is another team's, and writes are written."""

import json
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx

from benchmarks.contestants import Contestant
from benchmarks.database import Target, Targets
from benchmarks.workloads import Workload, first_difference, normalize_answer


class AnswersDiffer(Exception):
    """A contestant does not answer as the others do; the message says where."""


@dataclass(slots=True)
class AnswerChecker:
    """Compares one contestant after the other with the first one."""

    database_url: str
    targets: Targets
    tokens: dict[str, str]
    expected: dict[tuple[str, Target], Any] = field(default_factory=dict)
    compared: int = 0

    async def check(self, contestant: Contestant, port: int, workloads: list[Workload]) -> None:
        """Ask for every object that will be asked for; raises Differs."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            for workload in workloads:
                if contestant.takes_part(workload.name):
                    await (self._check_write if workload.writes else self._check_reads)(contestant, client, workload)

    async def _check_reads(self, contestant: Contestant, client: httpx.AsyncClient, workload: Workload) -> None:
        for target in workload.targets(self.targets):
            body = workload.body(contestant.dialect, target.id)
            said = normalize_answer(await self._post(contestant, client, workload, body, self.tokens[target.viewer]))
            expected = self.expected.setdefault((workload.name, target), said)
            difference = "there is nothing" if None in said.values() else first_difference(expected, said)
            if difference:
                raise AnswersDiffer(f"{contestant.name} differs in {workload.name}, {workload.type} {target.id}: {difference}")
            self.compared += 1
        if contestant.environment.get("PEER_GUARDED") != "no":
            await self._check_outsiders(contestant, client, workload)

    async def _check_outsiders(self, contestant: Contestant, client: httpx.AsyncClient, workload: Workload) -> None:
        target = workload.targets(self.targets)[0]
        stranger = next(viewer for viewer in self.tokens if viewer != target.viewer)
        body = workload.body(contestant.dialect, target.id)
        for token in (self.tokens[stranger], "not-a-token"):
            response = await client.post("/graphql", content=body, headers=_headers(token))
            data = json.loads(response.text).get("data") if response.text.startswith("{") else None
            if data and any(value is not None for value in data.values()):
                raise AnswersDiffer(f"{contestant.name} shows {workload.name} to a stranger: {response.text[:200]}")

    async def _check_write(self, contestant: Contestant, client: httpx.AsyncClient, workload: Workload) -> None:
        target = self.targets.spare_task
        stranger = next(viewer for viewer in self.tokens if viewer != target.viewer)
        title = f"Measured by {contestant.name}"
        body = workload.body(contestant.dialect, target.id).replace("Measured @N@", title).replace("@S@", "TODO")
        before = await self._task_state(target)
        response = await self._post(contestant, client, workload, body, self.tokens[target.viewer])
        after = await self._task_state(target)
        await client.post("/graphql", content=body.replace("Measured", "Stolen"), headers=_headers(self.tokens[stranger]))
        last = await self._task_state(target)

        task = response["taskUpdate"]["task"]
        if after[1:] != (title, "TODO", before[3] + 1) or after[1:] != (task["title"], task["status"], task["version"]):
            raise AnswersDiffer(f"{contestant.name} did not write what it says: {task}, {after}")
        if after[0] - before[0] != int(contestant.writes_event):
            raise AnswersDiffer(f"{contestant.name} wrote {after[0] - before[0]} events, not {int(contestant.writes_event)}")
        if last != after:
            raise AnswersDiffer(f"{contestant.name} lets a stranger write: {last}")

    async def _task_state(self, target: Target) -> tuple[int, str, str, int]:
        """How many events there are, and the task's title, status and version."""
        connection = await asyncpg.connect(self.database_url)
        try:
            text = "SELECT (SELECT count(*) FROM events), title, status, version FROM tasks WHERE id = $1"
            (row,) = await connection.fetch(text, target.id)
            return row[0], row[1], row[2], row[3]
        finally:
            await connection.close()

    async def _post(
        self, contestant: Contestant, client: httpx.AsyncClient, workload: Workload, body: str, token: str
    ) -> dict[str, Any]:
        response = await client.post("/graphql", content=body, headers=_headers(token))
        answer = response.json() if response.text.startswith("{") else {}
        if response.status_code != 200 or answer.get("errors") or not answer.get("data"):
            raise AnswersDiffer(f"{contestant.name} cannot answer {workload.name}: {response.status_code} {response.text[:500]}")
        data: dict[str, Any] = answer["data"]
        return data


def _headers(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "content-type": "application/json"}
