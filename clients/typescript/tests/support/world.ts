/** Somebody new with a team and a project: what every test begins with. */
import { randomUUID } from 'node:crypto'
import { createServer, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { inject } from 'vitest'
import WebSocket from 'ws'

import { createClient, succeeded, type ClientOptions, type HiveClient } from '../../src/index.ts'

export const PASSWORD = 'correct horse battery staple'

export interface World {
  client: HiveClient
  email: string
  teamId: string
  projectId: string
  cursor: string
}

export function open(options: ClientOptions = {}): HiveClient {
  return createClient({ url: inject('url'), webSocketImpl: WebSocket, ...options })
}

export async function register(options: ClientOptions = {}): Promise<{ client: HiveClient; email: string }> {
  const client = open(options)
  const email = `ada-${randomUUID()}@example.com`
  const input = { email, password: PASSWORD, firstName: 'Ada', lastName: 'Tester' }
  await run(
    client,
    'mutation ($input: UserRegisterInput!) { result: userRegister(input: $input) { errors { code message } } }',
    input,
  )
  await client.signIn({ email, password: PASSWORD })
  return { client, email }
}

/** A mutation that calls its field `result`. */
export async function run(client: HiveClient, document: string, input: object): Promise<any> {
  const { result } = (await client.request(document, { input })) as { result: { errors: [] } }
  return succeeded(result)
}

export async function settle(options: ClientOptions = {}): Promise<World> {
  const { client, email } = await register(options)
  const key = `T${randomUUID().replaceAll('-', '').slice(0, 9).toUpperCase()}`
  const { team } = await run(
    client,
    'mutation ($input: TeamCreateInput!) { result: teamCreate(input: $input) { team { id } errors { code message } } }',
    { name: `Clients ${key}`, key },
  )
  const { project, cursor } = await run(
    client,
    'mutation ($input: ProjectCreateInput!) { result: projectCreate(input: $input) { project { id } cursor errors { code message } } }',
    { teamId: team.id, name: 'Launch' },
  )
  return { client, email, teamId: team.id, projectId: project.id, cursor }
}

export async function createTask({ client, projectId }: World, title: string): Promise<{ id: string; cursor: string }> {
  const { task, cursor } = await run(
    client,
    'mutation ($input: TaskCreateInput!) { result: taskCreate(input: $input) { task { id } cursor errors { code message } } }',
    { projectId, title },
  )
  return { id: task.id, cursor }
}

/** Waits until `condition` gives something. */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
  limitMs = 60_000,
): Promise<NonNullable<T>> {
  for (const deadline = Date.now() + limitMs; ; await sleep(10)) {
    const found = await condition()
    if (found) return found
    if (Date.now() > deadline) throw new Error(`${what} did not happen`)
  }
}

export interface Detour {
  url: string
  /** Breaks what is open; what comes later passes. */
  cut(): void
  /** Lets nothing through, in silence, as a network that has died; undone by `mend`. */
  freeze(): void
  mend(): void
  close(): void
}

/** A way to the server that can be cut. */
export async function openDetour(target: string = inject('url')): Promise<Detour> {
  const { port, hostname } = new URL(target)
  const sockets = new Set<Socket>()
  let isFrozen = false
  const server = createServer((here) => {
    const there = connect(Number(port), hostname)
    for (const [from, to] of [
      [here, there],
      [there, here],
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk) => !isFrozen && to.write(chunk))
      from.on('end', () => to.end())
      from.on('error', () => to.destroy())
      from.on('close', () => (sockets.delete(from), to.destroy()))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => sockets.forEach((socket) => socket.destroy())
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    cut,
    freeze: () => void (isFrozen = true),
    mend: () => void (isFrozen = false),
    close: () => (cut(), void server.close()),
  }
}
