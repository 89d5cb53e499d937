/** Tabs of one browser: they share a database, one of them syncs for all, and another goes on when it is closed. */
import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'

import { memoryStorage as memoryTokens } from '@pantherahive/client'

import { open } from '../../typescript/tests/support/world.ts'
import { createSync, newTask, type HiveSync } from '../src/index.ts'
import { createTask, settle, until, type World } from './support.ts'

let world: World
const tabs: { sync: HiveSync; close: () => Promise<void> }[] = []
beforeAll(async () => void (world = await settle()))
afterEach(async () => {
  for (const tab of tabs.splice(0)) await tab.close()
  vi.unstubAllGlobals()
})

/** Locks as a browser has them: who asks waits until whoever has it is done. */
function stubLocks(): void {
  const queues = new Map<string, Promise<unknown>>()
  const request = (name: string, work: () => Promise<unknown>): Promise<unknown> => {
    const own = (queues.get(name) ?? Promise.resolve()).then(work, work)
    queues.set(
      name,
      own.catch(() => undefined),
    )
    return own
  }
  vi.stubGlobal('navigator', { locks: { request } })
}

test('one tab sends and follows for all, and the next one goes on when it is closed', async () => {
  stubLocks()
  vi.stubGlobal('indexedDB', new IDBFactory())
  const asked: string[][] = [[], []]
  for (const number of [0, 1]) {
    const client = open({
      storage: memoryTokens(world.client.session.storage.read()),
      fetch: (input, init) => {
        const operation = /(?:query|mutation) (\w+)/.exec(String(init?.body))?.[1]
        if (operation) asked[number]!.push(operation)
        return fetch(input, init)
      },
    })
    const sync = createSync(client, { name: 'ada' })
    const close = async (): Promise<void> => {
      await sync.dispose()
      await client.dispose()
    }
    tabs.push({ sync, close })
    await sync.ready
  }
  const [first, second] = tabs.map(({ sync }) => sync) as [HiveSync, HiveSync]

  const here = newTask({ title: 'Of the second tab', projectId: world.projectId })
  await second.tasks.insert(here).isPersisted.promise
  await until(() => first.tasks.get(here.id)?.version === 1, 'the answer in the first tab')
  await until(() => second.tasks.get(here.id)?.version === 1, 'the answer in the second tab')
  const there = await createTask(world, 'Of somebody else')
  await until(() => second.tasks.has(there.id) && first.tasks.has(there.id), 'the change')
  expect(asked[1]).toEqual([])
  expect(asked[0]!.filter((name) => name === 'Write')).toEqual(['Write'])

  await tabs.shift()!.close()
  await second.tasks.update(here.id, (draft) => void (draft.title = 'After the first')).isPersisted.promise
  await second.settled()
  await until(() => second.tasks.get(here.id)?.version === 2, 'the answer')
  const last = await createTask(world, 'The last')
  await until(() => second.tasks.has(last.id), 'the last change')
  expect(asked[1]).toEqual(['Write'])
})
