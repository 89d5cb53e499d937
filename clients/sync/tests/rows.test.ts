/** What cards show beyond the fields of a task, and what is left of a person: rows that changes keep right, and that go with them. */
import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeAll, expect, inject, test, vi } from 'vitest'

import { memoryStorage as memoryTokens } from '@pantherahive/client'

import { open } from '../../typescript/tests/support/world.ts'
import {
  createSync,
  indexedDbStorage,
  memoryStorage,
  newComment,
  newTask,
  removeStored,
  viewerId,
  withReaction,
  type HiveSync,
  type Reaction,
} from '../src/index.ts'
import { createTask, Machine, run, settle, until, type World } from './support.ts'

let world: World
const machines: Machine[] = []
beforeAll(async () => void (world = await settle()))
afterEach(async () => {
  vi.unstubAllGlobals()
  await Promise.all(machines.splice(0).map((machine) => machine.dispose()))
})

function machine(): Machine {
  const made = new Machine(inject('url'), world.client.session.storage.read())
  machines.push(made)
  return made
}

const mutate = (field: string, type: string, input: object, more = ''): Promise<any> =>
  run(
    world.client,
    `mutation ($input: ${type}!) { result: ${field}(input: $input) { ${more} errors { code message } } }`,
    input,
  )

test('labels, what is blocked, reactions and rights are in the snapshot, and changes keep them right', async () => {
  const [blocker, waiting] = [await createTask(world, 'Blocker'), await createTask(world, 'Waiting')]
  const { label } = await mutate(
    'labelCreate',
    'LabelCreateInput',
    { teamId: world.teamId, name: 'ants', color: '#336699' },
    'label { id }',
  )
  await mutate('taskLink', 'TaskLinkInput', { taskId: waiting.id, targetId: blocker.id, kind: 'BLOCKED_BY' })
  const { comment } = await mutate(
    'commentCreate',
    'CommentCreateInput',
    { subjectId: waiting.id, body: 'Soon' },
    'comment { id }',
  )
  const { sync } = machine()
  await sync.ready
  const touched: string[] = []
  sync.watch((ids) => touched.push(...ids))
  expect(sync.tasks.get(waiting.id)?.isBlocked).toBe(true)
  expect(sync.tasks.get(blocker.id)?.isBlocked).toBe(false)
  expect(sync.labels.get(label.id)).toMatchObject({ name: 'ants', color: '#336699', teamId: world.teamId })
  expect(sync.projects.get(world.projectId)?.viewerCan).toEqual(
    expect.arrayContaining(['READ', 'COMMENT', 'CREATE', 'UPDATE']),
  )
  expect(sync.comments.get(comment.id)).toMatchObject({ reactions: [], attachments: [] })

  await mutate('taskUpdate', 'TaskUpdateInput', { id: blocker.id, status: 'DONE' })
  await mutate('labelUpdate', 'LabelUpdateInput', { id: label.id, name: 'bees' })
  await mutate('commentReact', 'CommentReactInput', { id: comment.id, emoji: '🎉', on: true })
  await until(() => sync.comments.get(comment.id)?.reactions.length, 'the reaction')
  expect(sync.tasks.get(waiting.id)?.isBlocked).toBe(false)
  expect(sync.labels.get(label.id)?.name).toBe('bees')
  expect(sync.comments.get(comment.id)?.reactions).toEqual([{ emoji: '🎉', count: 1, viewerReacted: true }])
  // What happened to a comment has happened to its task.
  expect(touched).toEqual(expect.arrayContaining([blocker.id, waiting.id, comment.id]))
})

test('a reaction is one write, also offline and on top of a comment that is not there yet', async () => {
  const made = machine()
  const { sync } = made
  await sync.ready
  const task = await createTask(world, 'Discussed')
  await until(() => sync.tasks.has(task.id), 'the task')
  made.goOffline()
  const comment = newComment({ subjectId: task.id, body: 'Well' })
  await sync.comments.insert(comment).isPersisted.promise
  const react = (emoji: string, on: boolean): Promise<unknown> =>
    sync.comments.update(comment.id, (draft) => {
      draft.reactions = withReaction(sync.comments.get(comment.id)!.reactions, emoji, on)
    }).isPersisted.promise
  await react('👍', true)
  await react('👀', true)
  await react('👍', false)
  expect(sync.comments.get(comment.id)?.reactions).toEqual([{ emoji: '👀', count: 1, viewerReacted: true }])
  expect(sync.queue.map(({ kind }) => kind)).toEqual(['insert', 'update', 'update', 'update'])
  made.goOnline()
  await sync.settled()
  expect(sync.comments.get(comment.id)).toMatchObject({
    body: 'Well',
    reactions: [{ emoji: '👀', count: 1, viewerReacted: true }],
  })
  await expect(
    sync.comments.update(
      comment.id,
      (draft) => void (draft.reactions = withReaction(withReaction([], '👍', true), '🎉', true)),
    ).isPersisted.promise,
  ).rejects.toThrow('one reaction')
  expect(made.rejected).toEqual([])
})

test('reactions are counted alike, in whatever order they are given and taken back', () => {
  const others: Reaction[] = [{ emoji: '👍', count: 2, viewerReacted: false }]
  for (const emoji of ['👍', '🎉']) {
    const given = withReaction(others, emoji, true)
    expect(withReaction(given, emoji, true)).toEqual(given)
    expect(withReaction(given, emoji, false)).toEqual(others)
    expect(withReaction(others, emoji, false)).toEqual(others)
  }
  expect(others).toEqual([{ emoji: '👍', count: 2, viewerReacted: false }])
})

test('who was signed out by the server leaves no rows, and what they wrote is sent when they sign in again', async () => {
  const made = machine()
  await made.sync.ready
  made.goOffline()
  const task = newTask({ title: 'Waits for its author', projectId: world.projectId })
  await made.sync.tasks.insert(task).isPersisted.promise
  const tokens = made.client.session.storage.read()
  made.client.session.set(null)
  await made.sync.forget()
  const left = await indexedDbStorage('replica', made.disk).load()
  expect([left.rows, left.cursor, left.queue.map(({ key }) => key)]).toEqual([[], null, [task.id]])
  expect(made.sync.projects.size).toBe(0)
  expect(made.sync.status.isReady).toBe(false)
  made.client.session.set(tokens)
  made.goOnline()
  await made.sync.settled()
  await until(() => made.sync.tasks.get(task.id)?.version === 1, 'the task')
})

test('what is removed when somebody signs out is gone for every tab, and nothing of it is written again', async () => {
  const disk = new IDBFactory()
  vi.stubGlobal('indexedDB', disk)
  const client = open({ storage: memoryTokens(world.client.session.storage.read()) })
  const name = viewerId(client)!
  expect(name).toMatch(/^[0-9a-f-]{36}$/)
  const tabs: HiveSync[] = [createSync(client, { name }), createSync(client, { name })]
  await Promise.all(tabs.map(({ ready }) => ready))
  client.session.set(null)
  await removeStored(name)
  expect(await disk.databases()).toEqual([])
  for (const tab of tabs) {
    expect(tab.status).toMatchObject({ state: 'offline', error: { code: 'STORAGE_CLOSED' } })
    await tab.dispose()
  }
  expect(await disk.databases()).toEqual([])
  expect(viewerId(client)).toBe(null)
  await client.dispose()
})

test('what cannot be stored is refused, as where the disk is full or another tab has closed the database', async () => {
  const storage = memoryStorage()
  const rejected: string[] = []
  let isFull = true
  const client = open({ storage: memoryTokens(world.client.session.storage.read()) })
  const sync = createSync(client, {
    storage: {
      ...storage,
      write: (batch) => (batch.enqueue && isFull ? Promise.reject(new Error('full')) : storage.write(batch)),
    },
    onRejected: (_, { code }) => rejected.push(code),
  })
  await sync.ready
  const task = newTask({ title: 'No room', projectId: world.projectId })
  await expect(sync.tasks.insert(task).isPersisted.promise).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
  isFull = false
  await sync.dispose()
  await expect(sync.tasks.insert(task).isPersisted.promise).rejects.toMatchObject({ code: 'STORAGE_CLOSED' })
  expect([rejected, sync.tasks.has(task.id)]).toEqual([['STORAGE_FAILED', 'STORAGE_CLOSED'], false])
  expect((await storage.load()).queue).toEqual([])
  await client.dispose()
})

test('rows that an older version stored are loaded anew, and writes that wait stay', async () => {
  const disk = new IDBFactory()
  await new Promise<void>((resolve) => {
    const request = disk.open('replica', 1)
    request.onupgradeneeded = () => {
      for (const store of ['rows', 'meta']) request.result.createObjectStore(store)
      request.result.createObjectStore('queue', { keyPath: 'seq', autoIncrement: true })
    }
    request.onsuccess = () => {
      const transaction = request.result.transaction(['rows', 'meta', 'queue'], 'readwrite')
      transaction.objectStore('rows').put({ type: 'Task', row: { id: 'old' } }, 'Task:old')
      transaction.objectStore('meta').put('cursor of then', 'cursor')
      transaction.objectStore('queue').put({ id: 'write', type: 'Task', kind: 'delete', key: 'old' })
      transaction.oncomplete = () => (request.result.close(), resolve())
    }
  })
  const { rows, cursor, queue } = await indexedDbStorage('replica', disk).load()
  expect([rows, cursor]).toEqual([[], null])
  expect(queue).toEqual([{ seq: 1, id: 'write', type: 'Task', kind: 'delete', key: 'old' }])
})

test('more writes than may wait are refused, and none of them is shown', async () => {
  const made = machine()
  const { sync } = made
  await sync.ready
  made.goOffline()
  const many = Array.from({ length: 1_000 }, (_, index) => newTask({ title: `${index}`, projectId: world.projectId }))
  await sync.tasks.insert(many).isPersisted.promise
  const one = newTask({ title: 'One too many', projectId: world.projectId })
  await expect(sync.tasks.insert(one).isPersisted.promise).rejects.toMatchObject({ code: 'QUEUE_FULL' })
  expect([sync.tasks.has(one.id), sync.queue.length, sync.status.pending]).toEqual([false, 1_000, 1_000])
  expect(made.rejected.map(([{ key }, code]) => [key, code])).toEqual([[one.id, 'QUEUE_FULL']])
})
