/**
 * Three clients on two servers, drawn by a seed: they write, lose their network, are killed, and a server is killed too. In the end
 * no write that was stored is lost, none is written twice, and all hold what the server holds.
 *
 * `HIVE_SYNC_SEEDS=50` tries more schedules, `HIVE_SYNC_SEED=7` one of them.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { HiveClient } from '@pantherahive/client'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { startServer, type Server } from '../../typescript/tests/support/server.ts'
import { open, PASSWORD } from '../../typescript/tests/support/world.ts'
import { newComment, newTask } from '../src/index.ts'
import { loadSnapshot } from '../src/snapshot.ts'
import { Machine, settle, until, type World } from './support.ts'

const STEPS = 40
const MACHINES = 3
const COUNT = Number(process.env['HIVE_SYNC_SEEDS'] ?? 2)
const ONLY = process.env['HIVE_SYNC_SEED']
const seeds = ONLY ? [Number(ONLY)] : Array.from({ length: COUNT }, (_, seed) => seed + 1)

const root = new URL('../../../', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'hive-law-'))
const servers: Server[] = []
let settings: Record<string, string>

beforeAll(async () => {
  const shared = {
    HIVE_SEED_SIZE: 'none',
    HIVE_COST_LIMITS: 'report',
    HIVE_SECRET_KEY: 'three clients and two servers share one secret',
    HIVE_PUBLIC_URL: 'http://127.0.0.1',
  }
  servers.push(await startServer({ ...shared, HIVE_DATA_DIR: join(folder, 'first') }))
  const python = process.env['HIVE_PYTHON'] ?? join(root, '.venv/bin/python')
  const find =
    'import sys; from pathlib import Path; from embedded import running_postgres_url as find; print(find(Path(sys.argv[1])))'
  const url = execFileSync(python, ['-c', find, join(folder, 'first/postgres')], { cwd: root, encoding: 'utf8' }).trim()
  settings = { ...shared, HIVE_DATA_DIR: join(folder, 'second'), HIVE_DATABASE_URL: url }
  servers.push(await startServer(settings))
}, 600_000)

afterAll(async () => {
  for (const server of servers.reverse()) await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** The same sequence for the same seed. */
function dice(seed: number): (below: number) => number {
  let state = (seed * 2654435761) >>> 0
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

interface Written {
  /** Its mark: no other write has it. */
  mark: string
  id: string
  what: 'task' | 'title' | 'comment'
}

/** Everything that the log says, from the start. */
async function readLog(client: HiveClient, after: string): Promise<any[]> {
  const query = `query ($after: SyncCursor) {
    changes(after: $after, first: 100) { cursor pageInfo { hasNextPage } nodes { kind type entityId fields { field after } } }
  }`
  const found: any[] = []
  for (;;) {
    const { changes } = await client.request<any, object>(query, { after })
    found.push(...changes.nodes)
    after = changes.cursor
    if (!changes.pageInfo.hasNextPage) return found
  }
}

const state = (rows: Iterable<{ id: string }>): Map<string, unknown> =>
  new Map([...rows].map((row) => [row.id, row] as const).sort(([left], [right]) => (left < right ? -1 : 1)))

test.each(seeds)(
  'schedule %i: nothing stored is lost, nothing is written twice, and all agree',
  async (seed) => {
    const roll = dice(seed)
    const world: World = await settle({ url: servers[0]!.url })
    const machines: Machine[] = []
    for (let number = 0; number < MACHINES; number += 1) {
      const session = open({ url: servers[number % 2]!.url })
      await session.signIn({ email: world.email, password: PASSWORD })
      machines.push(new Machine(servers[number % 2]!.url, session.session.storage.read()))
    }
    await Promise.all(machines.map(({ sync }) => sync.ready))
    const written: Written[] = []
    const storing: Promise<unknown>[] = []
    const note = (promise: Promise<unknown>, entry: Written): void => {
      // A write whose storing was cut off by a kill is nobody's promise.
      storing.push(promise.then(() => written.push(entry)).catch(() => undefined))
    }
    let restarting: Promise<void> | null = null
    for (let step = 0; step < STEPS; step += 1) {
      const machine = machines[roll(MACHINES)]!
      const { sync } = machine
      const tasks = sync.tasks.toArray
      const task = tasks[roll(Math.max(tasks.length, 1))]
      const mark = `${seed}.${step}`
      switch (roll(12)) {
        case 0:
        case 1:
        case 2: {
          const row = newTask({ title: `Task ${mark}`, projectId: world.projectId })
          note(sync.tasks.insert(row).isPersisted.promise, { mark: row.title, id: row.id, what: 'task' })
          break
        }
        case 3:
        case 4:
        case 5:
          if (task) {
            const title = `Title ${mark}`
            note(sync.tasks.update(task.id, (draft) => void (draft.title = title)).isPersisted.promise, {
              mark: title,
              id: task.id,
              what: 'title',
            })
          }
          break
        case 6:
          if (task) {
            const row = newComment({ subjectId: task.id, body: `Said ${mark}` })
            note(sync.comments.insert(row).isPersisted.promise, { mark: row.body, id: row.id, what: 'comment' })
          }
          break
        case 7:
          if (task && roll(2) === 0) sync.tasks.delete(task.id).isPersisted.promise.catch(() => undefined)
          else if (task) sync.moveTask(task.id, { afterId: null, status: 'IN_PROGRESS' })
          break
        case 8:
          machine.goOffline()
          break
        case 9:
          machine.goOnline()
          break
        case 10:
          machine.kill()
          machine.start(servers[roll(2)]!.url)
          await machine.sync.ready
          break
        case 11:
          // It takes seconds to come back: in one schedule of three.
          if (!restarting && step > STEPS / 3 && seed % 3 === 1) {
            const { port } = servers[1]!
            restarting = servers[1]!.stop('SIGKILL').then(async () => {
              servers[1] = await startServer({ ...settings, HIVE_PORT: String(port) })
            })
          }
      }
      await sleep(roll(4) * 15)
    }
    await restarting
    for (const machine of machines) machine.goOnline()
    await Promise.all(storing.map((each) => Promise.race([each, sleep(5_000)])))
    await Promise.all(machines.map(({ sync }) => sync.settled()))

    // All agree with the server.
    const { rows } = await loadSnapshot(world.client, null)
    for (const [type, of] of [
      ['Task', 'tasks'],
      ['Comment', 'comments'],
      ['Project', 'projects'],
    ] as const) {
      const expected = state(rows.filter((each) => each.type === type).map(({ row }) => row))
      for (const { sync } of machines) {
        const agrees = (): boolean => {
          const actual = state((sync[of].toArray as { id: string }[]).map(plain))
          return JSON.stringify([...actual].map(sorted)) === JSON.stringify([...expected].map(sorted))
        }
        await until(agrees, `agreement about ${of}`, 60_000).catch(() => {
          expect(new Map([...state((sync[of].toArray as { id: string }[]).map(plain))].map(sorted))).toEqual(
            new Map([...expected].map(sorted)),
          )
        })
      }
    }

    // Nothing is lost, nothing is twice there.
    const log = await readLog(world.client, world.cursor)
    const created = (id: string): number =>
      log.filter((each) => each.entityId === id && (each.kind === 'CREATED' || each.kind === 'COMMENTED')).length
    const titled = (title: string): number =>
      log.filter((each) => each.fields.some((field: any) => field.field === 'title' && field.after === title)).length
    const gone = new Set(log.filter(({ kind }) => kind === 'DELETED').map(({ entityId }) => entityId))
    const rejected = new Set(
      machines.flatMap((machine) => machine.rejected.map(([{ changes, key }]) => String(changes['title'] ?? key))),
    )
    for (const { mark, id, what } of written) {
      const times = what === 'title' ? titled(mark) : created(id)
      const mayBeRefused = gone.has(id) || (what === 'comment' && rejected.has(id)) || rejected.has(mark)
      expect([mark, times]).toEqual([mark, mayBeRefused && times === 0 ? 0 : 1])
    }
    expect(written.length).toBeGreaterThan(5)
    const marks = rows.filter(({ type }) => type === 'Task').map(({ row }) => row['title'])
    expect(new Set(marks).size).toBe(marks.length)
    await Promise.all(machines.map((machine) => machine.dispose()))
    await world.client.dispose()
  },
  600_000,
)

function plain<T extends object>(row: T): T {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('$'))) as T
}

function sorted([id, row]: [string, unknown]): [string, unknown] {
  return [id, Object.fromEntries(Object.entries(row as object).sort(([left], [right]) => (left < right ? -1 : 1)))]
}
