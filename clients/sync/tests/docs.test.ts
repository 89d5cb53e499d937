/** The programs of docs/clients.md, as they stand there, against a real server. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import WebSocket from 'ws'

import { PASSWORD } from '../../typescript/tests/support/world.ts'
import { memoryStorage } from '../src/index.ts'
import { createTask, run, settle, until, type World } from './support.ts'

const folder = new URL('./generated/', import.meta.url)
let world: World
beforeAll(async () => {
  world = await settle()
  mkdirSync(folder, { recursive: true })
  const page = readFileSync(new URL('../../../docs/clients.md', import.meta.url), 'utf8')
  for (const [, name, program] of page.matchAll(/^```ts (\w+)\n(.*?)^```$/gms))
    writeFileSync(new URL(`${name}.ts`, folder), program!)
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await world.client.dispose()
})

const load = async (name: string): Promise<any> => await import(/* @vite-ignore */ new URL(`${name}.ts`, folder).href)

test('board', async () => {
  await createTask(world, 'Before')
  const { openBoard } = await load('board')
  let shown: string[] = []
  const show = (cards: { title: string }[]): void => void (shown = cards.map(({ title }) => title).sort())
  const options = { url: inject('url'), webSocketImpl: WebSocket }
  const hive = await openBoard(options, world.email, PASSWORD, world.projectId, show)
  expect(shown).toEqual(['Before'])
  const after = await createTask(world, 'After')
  await until(() => shown.length === 2, 'the new task')
  await run(world.client, 'mutation ($input: DeleteInput!) { result: taskDelete(input: $input) { errors { code } } }', {
    id: after.id,
  })
  await until(() => shown.length === 1, 'the deletion')
  await hive.dispose()
})

test('offline', async () => {
  const { openOffline } = await load('offline')
  const { sync, board } = await openOffline(world.client, 'viewer', world.projectId, { storage: memoryStorage() })
  await sync.settled()
  await until(
    () => board.toArray[0]?.title === 'Ship it' && board.toArray[0]?.status === 'IN_PROGRESS',
    'the task in front',
  )
  expect(board.toArray[0]).toMatchObject({ title: 'Ship it', project: 'Launch' })
  const { project } = await world.client.request<any, object>(
    'query ($id: ID!) { project(id: $id) { tasks(first: 1) { nodes { title status priority } } } }',
    { id: world.projectId },
  )
  expect(project.tasks.nodes).toEqual([{ title: 'Ship it', status: 'IN_PROGRESS', priority: 'HIGH' }])
  await sync.dispose()
})
