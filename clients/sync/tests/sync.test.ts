/** Collections against a real server: what comes, what goes, and what becomes of both offline. */
import { createLiveQueryCollection, eq } from '@tanstack/db'
import { afterEach, beforeAll, expect, inject, test } from 'vitest'

import { memoryStorage, newComment, newTask, type ProjectRow, type SyncOptions, type TaskRow } from '../src/index.ts'
import { createTask, Machine, register, run, settle, until, type World } from './support.ts'

const machines: Machine[] = []
let world: World
beforeAll(async () => void (world = await settle()))
afterEach(async () => void (await Promise.all(machines.splice(0).map((machine) => machine.dispose()))))

function machineOf({ client }: { client: World['client'] }, options: SyncOptions = {}): Machine {
  const machine = new Machine(inject('url'), client.session.storage.read(), options)
  machines.push(machine)
  return machine
}

const titles = ({ sync }: Machine): string[] => sync.tasks.toArray.map(({ title }) => title).sort()

async function taskOnServer(id: string): Promise<any> {
  const { task } = await world.client.request<any, object>(
    'query ($id: ID!) { task(id: $id) { title status description version priority deletedAt labels { nodes { name } } } }',
    { id },
  )
  return task
}

test('what is there is shown, and what happens afterwards too', async () => {
  const own = await settle()
  const before = await createTask(own, 'Before')
  const machine = machineOf(own)
  await machine.sync.ready
  expect(titles(machine)).toEqual(['Before'])
  expect(machine.sync.projects.get(own.projectId)).toMatchObject({
    name: 'Launch',
    teamId: own.teamId,
    status: 'ACTIVE',
  })
  expect(machine.sync.users.toArray.map(({ displayName }) => displayName)).toEqual(['Ada Tester'])
  const after = await createTask(own, 'After')
  await until(() => machine.sync.tasks.get(after.id), 'the new task')
  await run(
    own.client,
    'mutation ($input: TaskUpdateInput!) { result: taskUpdate(input: $input) { errors { code } } }',
    {
      id: before.id,
      title: 'Renamed',
      dueOn: '2027-01-02',
    },
  )
  await until(() => machine.sync.tasks.get(before.id)?.dueOn, 'the change')
  expect(machine.sync.tasks.get(before.id)).toMatchObject({ title: 'Renamed', version: 2, projectId: own.projectId })
  await run(own.client, 'mutation ($input: DeleteInput!) { result: taskDelete(input: $input) { errors { code } } }', {
    id: after.id,
  })
  await until(() => !machine.sync.tasks.has(after.id), 'the deletion')
})

test('local queries join what belongs together, and stay live', async () => {
  const own = await settle()
  await createTask(own, 'Joined')
  const { sync } = machineOf(own)
  await sync.ready
  const board = createLiveQueryCollection((query) =>
    query
      .from({ task: sync.tasks })
      .innerJoin({ project: sync.projects }, ({ task, project }) => eq(task.projectId, project.id))
      .where(({ task }) => eq(task.status, 'TODO'))
      .orderBy(({ task }) => task.rank)
      .select(({ task, project }) => ({ id: task.id, title: task.title, project: project.name })),
  )
  await board.preload()
  expect(board.toArray.map(({ title, project }) => [title, project])).toEqual([['Joined', 'Launch']])
  await createTask(own, 'Later')
  await until(() => board.toArray.length === 2, 'the second row')
  expect(board.toArray.map(({ title }) => title)).toEqual(['Joined', 'Later'])
})

test('what is written is shown at once, sent, and then as the server has it', async () => {
  const machine = machineOf(world)
  const { sync } = machine
  await sync.ready
  const task = newTask({ title: 'Mine', projectId: world.projectId, priority: 'HIGH' })
  sync.tasks.insert(task)
  expect(sync.tasks.get(task.id)).toMatchObject({ title: 'Mine', key: '' })
  sync.tasks.update(task.id, (draft) => void (draft.title = 'Mine, renamed'))
  sync.comments.insert(newComment({ subjectId: task.id, body: 'Said' }))
  await until(() => sync.status.pending === 0 && sync.tasks.get(task.id)?.key, 'the answers')
  expect(sync.tasks.get(task.id)).toMatchObject({ title: 'Mine, renamed', priority: 'HIGH', version: 2 })
  expect(await taskOnServer(task.id)).toMatchObject({ title: 'Mine, renamed', priority: 'HIGH', version: 2 })
  await until(() => sync.comments.toArray.some(({ body, version }) => body === 'Said' && version === 1), 'the comment')
  sync.tasks.delete(task.id)
  expect(sync.tasks.has(task.id)).toBe(false)
  await sync.settled()
  expect((await taskOnServer(task.id)).deletedAt).not.toBe(null)
  expect(machine.rejected).toEqual([])
})

test('what is written offline outlives a kill, and is sent once, in its order', async () => {
  const machine = machineOf(world)
  await machine.sync.ready
  machine.goOffline()
  const task = newTask({ title: 'Offline 0', projectId: world.projectId })
  await machine.sync.tasks.insert(task).isPersisted.promise
  for (const number of [1, 2, 3]) {
    await machine.sync.tasks.update(task.id, (draft) => void (draft.title = `Offline ${number}`)).isPersisted.promise
  }
  expect(machine.sync.status.pending).toBe(4)
  machine.kill()
  machine.start()
  await machine.sync.ready
  expect(machine.sync.tasks.get(task.id)).toMatchObject({ title: 'Offline 3', version: 0 })
  expect(machine.sync.status.pending).toBe(4)
  machine.goOnline()
  await machine.sync.settled()
  expect(await taskOnServer(task.id)).toMatchObject({ title: 'Offline 3', version: 4 })
  expect(machine.rejected).toEqual([])
})

test('fields that others did not touch are merged, and a handler decides about the others', async () => {
  const made = await createTask(world, 'Contested')
  const asked: unknown[] = []
  const machine = machineOf(world, {
    onConflict: ({ operation, current }) => {
      asked.push([operation.changes, current?.['title']])
      return 'theirs'
    },
  })
  const { sync } = machine
  await sync.ready
  await until(() => sync.tasks.has(made.id), 'the task')
  machine.goOffline()
  await sync.tasks.update(made.id, (draft) => void (draft.priority = 'URGENT')).isPersisted.promise
  await sync.tasks.update(made.id, (draft) => void (draft.title = 'Mine')).isPersisted.promise
  await run(
    world.client,
    'mutation ($input: TaskUpdateInput!) { result: taskUpdate(input: $input) { errors { code } } }',
    {
      id: made.id,
      description: 'Theirs',
    },
  )
  machine.goOnline()
  await sync.settled()
  expect(await taskOnServer(made.id)).toMatchObject({ title: 'Mine', priority: 'URGENT', description: 'Theirs' })
  expect(asked).toEqual([])

  await until(() => sync.tasks.get(made.id)?.version === 4, 'the last version')
  machine.goOffline()
  await sync.tasks.update(made.id, (draft) => void (draft.title = 'Mine again')).isPersisted.promise
  await run(
    world.client,
    'mutation ($input: TaskUpdateInput!) { result: taskUpdate(input: $input) { errors { code } } }',
    {
      id: made.id,
      title: 'Theirs',
    },
  )
  machine.goOnline()
  await sync.settled()
  await until(() => sync.tasks.get(made.id)?.title === 'Theirs', 'theirs')
  expect(asked).toEqual([[{ title: 'Mine again' }, 'Theirs']])
  expect(await taskOnServer(made.id)).toMatchObject({ title: 'Theirs' })
})

test('what the server refuses is no longer shown, and is told with its code', async () => {
  const machine = machineOf(world)
  const { sync } = machine
  await sync.ready
  const made = await createTask(world, 'Kept')
  await until(() => sync.tasks.has(made.id), 'the task')
  const task = newTask({ title: 'x'.repeat(5000), projectId: world.projectId })
  sync.tasks.insert(task)
  sync.tasks.update(made.id, (draft) => void (draft.dueOn = '2027-02-30'))
  await until(() => machine.rejected.length === 2, 'the refusals')
  expect(machine.rejected.map(([{ kind }, code]) => [kind, code])).toEqual([
    ['insert', 'TOO_LONG'],
    ['update', expect.stringMatching(/INVALID|BAD_USER_INPUT/)],
  ])
  await until(() => !sync.tasks.has(task.id), 'the rollback')
  expect(sync.tasks.get(made.id)).toMatchObject({ dueOn: null })
  expect(sync.status.pending).toBe(0)
})

test('a write that no mutation makes is refused before it is stored', async () => {
  const { sync } = machineOf(world)
  await sync.ready
  const made = await createTask(world, 'As it is')
  await until(() => sync.tasks.has(made.id), 'the task')
  const transaction = sync.tasks.update(made.id, (draft) => void (draft.key = 'MINE-1'))
  await expect(transaction.isPersisted.promise).rejects.toThrow(/key/)
  expect([sync.status.pending, sync.tasks.get(made.id)?.key.includes('MINE')]).toEqual([0, false])
})

test('a task is put elsewhere on its board, as everybody sees it', async () => {
  const own = await settle()
  const ids = []
  for (const title of ['A', 'B', 'C']) ids.push((await createTask(own, title)).id)
  const machine = machineOf(own)
  const { sync } = machine
  await sync.ready
  const order = () =>
    sync.tasks.toArray.sort((left, right) => (left.rank < right.rank ? -1 : 1)).map(({ title }) => title)
  sync.moveTask(ids[2]!, { afterId: null, status: 'DONE' })
  expect(order()).toEqual(['C', 'A', 'B'])
  await sync.settled()
  sync.moveTask(ids[2]!, { afterId: ids[0]! })
  await sync.settled()
  expect(order()).toEqual(['A', 'C', 'B'])
  const { project } = await own.client.request<any, object>(
    'query ($id: ID!) { project(id: $id) { tasks { nodes { title status } } } }',
    { id: own.projectId },
  )
  expect(project.tasks.nodes).toEqual([
    { title: 'A', status: 'TODO' },
    { title: 'C', status: 'DONE' },
    { title: 'B', status: 'TODO' },
  ])
})

test('who loses a project loses everything in it, and who is let in sees it', async () => {
  const owner = await settle()
  const guest = await register()
  const { invitationToken } = await run(
    owner.client,
    'mutation ($input: TeamInviteInput!) { result: teamInvite(input: $input) { invitationToken errors { code } } }',
    { teamId: owner.teamId, email: guest.email, role: 'MEMBER' },
  )
  await createTask(owner, 'In the team')
  const machine = machineOf(guest)
  const { sync } = machine
  await sync.ready
  expect(sync.tasks.toArray).toEqual([])
  await run(
    guest.client,
    'mutation ($input: TokenInput!) { result: invitationAccept(input: $input) { errors { code } } }',
    {
      token: invitationToken,
    },
  )
  await until(() => titles(machine).includes('In the team'), 'the team')
  expect(sync.teams.has(owner.teamId)).toBe(true)
  expect(sync.users.toArray).toHaveLength(2)
  await run(
    owner.client,
    'mutation ($input: ProjectUpdateInput!) { result: projectUpdate(input: $input) { errors { code } } }',
    {
      id: owner.projectId,
      visibility: 'PRIVATE',
    },
  )
  await until(() => sync.tasks.toArray.length === 0, 'the loss')
  expect(sync.projects.has(owner.projectId)).toBe(false)
  await run(
    owner.client,
    'mutation ($input: ProjectUpdateInput!) { result: projectUpdate(input: $input) { errors { code } } }',
    {
      id: owner.projectId,
      visibility: 'TEAM',
    },
  )
  await until(() => titles(machine).includes('In the team'), 'the return')
})

test('a cursor that the log no longer reaches leads to everything anew', async () => {
  const own = await settle()
  const gone = await createTask(own, 'Gone meanwhile')
  const machine = machineOf(own)
  await machine.sync.ready
  machine.kill()
  await run(own.client, 'mutation ($input: DeleteInput!) { result: taskDelete(input: $input) { errors { code } } }', {
    id: gone.id,
  })
  await createTask(own, 'New meanwhile')
  const storage = memoryStorage()
  const { indexedDbStorage } = await import('../src/index.ts')
  const contents = await indexedDbStorage('replica', machine.disk).load()
  expect(contents.rows.some(({ row }) => row['title'] === 'Gone meanwhile')).toBe(true)
  await storage.write({ put: contents.rows, cursor: 'trimmed away' })
  const { createSync } = await import('../src/index.ts')
  const sync = createSync(own.client, { storage })
  await sync.ready
  await until(() => sync.tasks.toArray.some(({ title }) => title === 'New meanwhile'), 'the new task')
  expect(sync.tasks.toArray.map(({ title }: TaskRow) => title)).toEqual(['New meanwhile'])
  expect(sync.projects.toArray.map(({ name }: ProjectRow) => name)).toEqual(['Launch'])
  await sync.dispose()
})
