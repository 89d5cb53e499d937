/** Uploads to a real server, over a connection that breaks. */
import { afterEach, beforeAll, expect, test, vi } from 'vitest'

import { HiveError, newUuid } from '../src/index.ts'
import { upload } from '../src/upload.ts'
import { createTask, settle, type World } from './support/world.ts'

let world: World
beforeAll(async () => void (world = await settle()))
afterEach(() => vi.unstubAllGlobals())

const text = (content: string): Blob & { name?: string } =>
  Object.assign(new Blob([content], { type: 'text/plain' }), { name: 'note.txt' })

async function contentOf(id: string): Promise<string> {
  const { node } = await world.client.request<{ node: { url: string } }, object>(
    'query ($id: ID!) { node(id: $id) { ... on Attachment { url } } }',
    { id },
  )
  return await (await fetch(node.url)).text()
}

/** The network that answers puts with what `answer` says of the attempt, from 1; undefined for what the server says. */
function between(
  answer: (attempt: number, passOn: () => Promise<Response>) => Promise<Response> | undefined,
): () => number {
  const real = globalThis.fetch
  let attempts = 0
  vi.stubGlobal('fetch', (input: RequestInfo | URL, init?: RequestInit) => {
    if (init?.method !== 'PUT') return real(input, init)
    attempts += 1
    return answer(attempts, () => real(input, init)) ?? real(input, init)
  })
  return () => attempts
}

test('a file is on its task, and has the bytes that were sent', async () => {
  const task = await createTask(world, 'With a file')
  const progress: [number, number][] = []
  const found = await upload(world.client, text('Hello 🐝'), {
    subjectId: task.id,
    onProgress: (...told) => progress.push(told),
  })
  expect(found).toMatchObject({ fileName: 'note.txt', contentType: 'text/plain', byteSize: 10 })
  expect(progress.at(-1)).toEqual([10, 10])
  expect(await contentOf(found.id)).toBe('Hello 🐝')
})

test('an attempt whose answer was lost counts as done at the next', async () => {
  const attempts = between((attempt, passOn) =>
    attempt === 1 ? passOn().then(() => Promise.reject(new TypeError('cut'))) : undefined,
  )
  const found = await upload(world.client, text('Once'))
  expect([attempts(), await contentOf(found.id)]).toEqual([2, 'Once'])
})

test('what is busy is tried again, what is refused is not', async () => {
  let attempts = between((attempt) => (attempt < 3 ? Promise.resolve(new Response(null, { status: 503 })) : undefined))
  await upload(world.client, text('Third time'))
  expect(attempts()).toBe(3)
  vi.unstubAllGlobals()
  attempts = between(() => Promise.resolve(new Response(null, { status: 403 })))
  await expect(upload(world.client, text('Never'))).rejects.toMatchObject({ code: 'INVALID' })
  expect(attempts()).toBe(1)
})

test('the same key goes on with the same upload, after it is done too', async () => {
  const key = newUuid()
  between(() => Promise.reject(new TypeError('no network')))
  await expect(upload(world.client, text('Later'), { key, attempts: 1 })).rejects.toMatchObject({ code: 'NETWORK' })
  vi.unstubAllGlobals()
  const found = await upload(world.client, text('Later'), { key })
  expect(await upload(world.client, text('Later'), { key })).toEqual(found)
})

test('a file that is not what it claims is refused with its code, and ends at once', async () => {
  const content = new Blob(['<script>'], { type: 'image/png' })
  const refused = await upload(world.client, content, { fileName: 'a.png' }).catch((error) => error)
  expect(refused).toBeInstanceOf(HiveError)
  expect(refused.code).toBe('INVALID')
})

test('an upload that is ended sends nothing more', async () => {
  const given = new AbortController()
  const attempts = between(() => (given.abort(new Error('enough')), Promise.reject(new TypeError('cut'))))
  await expect(upload(world.client, text('Ended'), { signal: given.signal })).rejects.toThrow('cut')
  expect(attempts()).toBe(1)
})
