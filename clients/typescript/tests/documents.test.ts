// @vitest-environment node
/** Live documents with both providers, and the editor on top: against a real server. */
import { JSDOM } from 'jsdom'
import { afterEach, beforeAll, expect, test } from 'vitest'
import WebSocket from 'ws'

import type { DocumentState, OpenDocument } from '../src/collaboration.ts'
import { checkEditorSchema, editorMarks, editorNodes, EDITOR_FRAGMENT, EDITOR_SCHEMA_VERSION } from '../src/editor.ts'
import * as hocuspocus from '../src/hocuspocus.ts'
import { memoryStorage, type HiveClient } from '../src/index.ts'
import { presentUsers } from '../src/presence.ts'
import * as yWebsocket from '../src/y-websocket.ts'
import { open, openDetour, run, settle, until, type World } from './support/world.ts'

const dom = new JSDOM('<!doctype html><body></body>', { pretendToBeVisual: true })
for (const name of [
  'window',
  'document',
  'MutationObserver',
  'Node',
  'HTMLElement',
  'Element',
  'DOMParser',
  'getComputedStyle',
  'getSelection',
  'navigator',
  'InputEvent',
  'Event',
  'KeyboardEvent',
  'Selection',
  'Range',
  'Text',
]) {
  ;(globalThis as Record<string, unknown>)[name] ??= (dom.window as unknown as Record<string, unknown>)[name]
}
globalThis.requestAnimationFrame ??= (call) => setTimeout(() => call(0), 5) as unknown as number
globalThis.cancelAnimationFrame ??= clearTimeout as unknown as typeof cancelAnimationFrame

class Socket extends WebSocket {
  constructor(...given: ConstructorParameters<typeof WebSocket>) {
    super(...given)
    this.on('error', () => {})
  }
}

let world: World
const closing: (() => unknown)[] = []
beforeAll(async () => void (world = await settle()))
afterEach(() => closing.splice(0).forEach((close) => close()))

async function createDocument(): Promise<string> {
  const { document } = await run(
    world.client,
    'mutation ($input: DocumentCreateInput!) { result: documentCreate(input: $input) { document { id } errors { code message } } }',
    { projectId: world.projectId, title: 'Page' },
  )
  return document.id
}

const providers = { hocuspocus, 'y-websocket': yWebsocket } as const

function openWith(name: keyof typeof providers, client: HiveClient, id: string, more: object = {}) {
  const states: DocumentState[] = []
  const unknown: (readonly string[])[] = []
  const opened = providers[name].openDocument(client, {
    id,
    WebSocketPolyfill: Socket,
    onState: (state) => states.push(state),
    onReadOnly: (names) => unknown.push(names),
    ...more,
  }) as OpenDocument<unknown>
  closing.push(() => opened.destroy())
  return { opened, states, unknown }
}

const write = ({ document }: OpenDocument<unknown>, word: string) => document.getText('words').insert(0, word)
const read = ({ document }: OpenDocument<unknown>) => document.getText('words').toString()

test.each(['hocuspocus', 'y-websocket'] as const)(
  '%s: what is written before, during and after a cut arrives',
  async (name) => {
    const id = await createDocument()
    const detour = await openDetour()
    closing.push(detour.close)
    const storage = memoryStorage(world.client.session.storage.read())
    const here = openWith(name, open({ url: detour.url, storage }), id, { user: { id: 'ada', name: 'Ada' } })
    const there = openWith('hocuspocus', world.client, id, { user: { id: 'bob', name: 'Bob' } })
    await until(() => here.opened.state === 'live' && there.opened.state === 'live', 'both')
    await until(() => presentUsers(there.opened.awareness).length === 2, 'presence')
    expect(
      presentUsers(here.opened.awareness)
        .map((each) => each.name)
        .sort(),
    ).toEqual(['Ada', 'Bob'])

    write(here.opened, 'before ')
    await until(() => read(there.opened) === 'before ', 'the first word')
    detour.cut()
    await until(() => here.opened.state === 'offline', 'the break')
    write(here.opened, 'during ')
    write(there.opened, 'there ')
    await until(() => here.opened.state === 'live', 'the return')
    write(here.opened, 'after ')
    await until(() => read(there.opened) === read(here.opened) && read(here.opened).includes('there'), 'the rest')
    expect(read(here.opened).split(' ').sort()).toEqual(['', 'after', 'before', 'during', 'there'])
    if (name === 'hocuspocus') await until(() => here.opened.isSaved, 'the acknowledgement')
    expect(here.states).toEqual(['catching up', 'live', 'offline', 'catching up', 'live'])
  },
)

test.each(['hocuspocus', 'y-websocket'] as const)('%s: a document that is not there is refused, once', async (name) => {
  const { opened, states } = openWith(name, world.client, btoa('Document:01970000-0000-7000-8000-000000000000'))
  await until(() => opened.state === 'refused', 'the refusal')
  expect(states.filter((state) => state === 'refused')).toEqual(['refused'])
})

test('a token that has expired is replaced on the way in, by both providers', async () => {
  const id = await createDocument()
  for (const name of ['hocuspocus', 'y-websocket'] as const) {
    await world.client.session.accessTokenAfter((await world.client.session.accessToken())!)
    const tokens = world.client.session.storage.read()!
    const stale = { ...tokens, accessToken: `${tokens.accessToken.slice(0, -8)}AAAAAAAA` }
    const other = open({ storage: memoryStorage(stale) })
    const { opened } = openWith(name, other, id)
    await until(() => opened.state === 'live', name)
    expect(other.session.storage.read()!.accessToken).not.toBe(stale.accessToken)
    world.client.session.set(other.session.storage.read())
  }
})

test('Hocuspocus goes on with a renewed token on the same connection', async () => {
  const { opened, states } = openWith('hocuspocus', world.client, await createDocument())
  await until(() => opened.state === 'live', 'the document')
  await world.client.session.accessTokenAfter((await world.client.session.accessToken())!)
  write(opened, 'still here')
  await until(() => opened.isSaved, 'the acknowledgement')
  expect(states).toEqual(['catching up', 'live'])
})

test('undo takes back what this client wrote, and nothing else', async () => {
  const id = await createDocument()
  const [here, there] = [
    openWith('hocuspocus', world.client, id).opened,
    openWith('hocuspocus', world.client, id).opened,
  ]
  await until(() => here.state === 'live' && there.state === 'live', 'both')
  const { Editor } = await import('@tiptap/core')
  const { editorExtensions } = await import('../src/tiptap.ts')
  const warnings: string[] = []
  const [mine, theirs] = [here, there].map(({ document: doc }) => {
    const editor = new Editor({
      element: globalThis.document.createElement('div'),
      extensions: editorExtensions({ document: doc, warn: (message) => warnings.push(message) }),
    })
    closing.push(() => editor.destroy())
    return editor
  })
  mine!.commands.insertContentAt(
    0,
    '<ul data-type="taskList"><li data-type="taskItem" data-checked="true">Mine</li></ul>',
  )
  await until(() => theirs!.getText().includes('Mine'), 'mine')
  theirs!.commands.insertContentAt(0, '<p>Theirs</p>')
  await until(() => mine!.getText().includes('Theirs'), 'theirs')
  mine!.commands.undo()
  await until(() => !theirs!.getText().includes('Mine'), 'the undo')
  expect(theirs!.getText()).toContain('Theirs')
  expect(warnings).toEqual([])
})

test('an editor that lacks nodes warns of them with their packages, and may only read where they are', async () => {
  const { Editor } = await import('@tiptap/core')
  const { default: StarterKit } = await import('@tiptap/starter-kit')
  const { schemaCheck, editorExtensions } = await import('../src/tiptap.ts')
  const warnings: string[] = []
  const bare = new Editor({
    element: globalThis.document.createElement('div'),
    extensions: [StarterKit, schemaCheck((message) => warnings.push(message))],
  })
  closing.push(() => bare.destroy())
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toMatch(
    /lacks taskList, taskItem, table.*image, mention .*extension-list, @tiptap\/extension-table/,
  )
  expect(checkEditorSchema(bare.schema, () => {})).toBe(false)

  const id = await createDocument()
  const full = openWith('hocuspocus', world.client, id)
  await until(() => full.opened.state === 'live', 'the document')
  const editor = new Editor({
    element: globalThis.document.createElement('div'),
    extensions: editorExtensions({ document: full.opened.document }),
  })
  closing.push(() => editor.destroy())
  editor.commands.insertContentAt(0, '<ul data-type="taskList"><li data-type="taskItem">Task</li></ul>')
  await until(() => full.opened.isSaved, 'the acknowledgement')
  const plain = openWith('hocuspocus', world.client, id, { schemaVersion: null })
  await until(() => plain.unknown.some((names) => names.length), 'the message')
  expect([...plain.unknown.flat()].sort()).toEqual(['taskItem', 'taskList'])
})

test('the editor schema is the one that the server expects', async () => {
  const { server } = await world.client.request<any, object>(
    '{ server { editorSchema { version fragment nodes { name extension } marks { name } } } }',
  )
  expect(server.editorSchema).toEqual({
    version: EDITOR_SCHEMA_VERSION,
    fragment: EDITOR_FRAGMENT,
    nodes: Object.entries(editorNodes).map(([name, extension]) => ({ name, extension })),
    marks: editorMarks.map((name) => ({ name })),
  })
})
