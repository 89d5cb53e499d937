// Real TipTap editors on a live document: stock ones that announce no schema, and ones that know all of it.
// Prints one JSON object: what each of them was told, and what the fragment held at the end.
import { JSDOM } from 'jsdom'

const dom = new JSDOM('<!doctype html><body></body>', { pretendToBeVisual: true })
for (const name of ['window', 'document', 'MutationObserver', 'Node', 'HTMLElement', 'Element', 'DOMParser', 'getComputedStyle', 'getSelection', 'navigator', 'InputEvent', 'Event', 'KeyboardEvent', 'Selection', 'Range', 'Text'])
  globalThis[name] ??= dom.window[name]
globalThis.requestAnimationFrame = (call) => setTimeout(call, 5)
globalThis.cancelAnimationFrame = clearTimeout

const { Editor } = await import('@tiptap/core')
const { default: StarterKit } = await import('@tiptap/starter-kit')
const { default: Collaboration } = await import('@tiptap/extension-collaboration')
const { default: Image } = await import('@tiptap/extension-image')
const { TaskItem, TaskList } = await import('@tiptap/extension-list')
const { default: Mention } = await import('@tiptap/extension-mention')
const { TableKit } = await import('@tiptap/extension-table')
const { HocuspocusProvider, HocuspocusProviderWebsocket } = await import('@hocuspocus/provider')
const { WebsocketProvider } = await import('y-websocket')
const { default: WebSocket } = await import('ws')
const Y = await import('yjs')

const [url, id, token] = process.argv.slice(2)
const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
const until = async (is, ms = 60_000) => {
  for (const end = Date.now() + ms; !is(); await sleep(10)) if (Date.now() > end) throw new Error(`waited in vain for ${is}`)
}
const known = [TaskList, TaskItem.configure({ nested: true }), TableKit, Image, Mention]

function edit(doc, extensions) {
  const element = document.body.appendChild(document.createElement('div'))
  return new Editor({
    element,
    extensions: [StarterKit.configure({ undoRedo: false }), Collaboration.configure({ document: doc, field: 'default' }), ...extensions],
  })
}

const denied = []
const warn = console.warn
console.warn = (...said) => (String(said[0]).startsWith('Permission denied') ? denied.push(String(said[0]).split('\n')[1]) : warn(...said))

async function yWebsocket(extensions, params = {}) {
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(`${url}/collaboration`, id, doc, { params: { token, ...params }, WebSocketPolyfill: WebSocket, disableBc: true })
  await until(() => provider.synced)
  const editor = edit(doc, extensions)
  await sleep(400)
  return { doc, editor, close: () => (editor.destroy(), provider.destroy()) }
}

async function hocuspocus(extensions, { query = '', suffix = '' } = {}) {
  const doc = new Y.Doc()
  const stateless = []
  const scopes = []
  const websocketProvider = new HocuspocusProviderWebsocket({ url: `${url}/collaboration${query}`, WebSocketPolyfill: WebSocket })
  const provider = new HocuspocusProvider({
    websocketProvider, name: id, document: doc, token: token + suffix,
    onStateless: ({ payload }) => stateless.push(JSON.parse(payload)),
    onAuthenticated: ({ scope }) => scopes.push(scope),
  })
  provider.attach()
  await until(() => provider.synced)
  const editor = edit(doc, extensions)
  await sleep(400)
  return { doc, editor, stateless, scopes, close: () => (editor.destroy(), provider.destroy(), websocketProvider.destroy()) }
}

const stock = await yWebsocket([])
stock.editor.commands.insertContentAt(0, '<p>Typed by who may not.</p>')
await sleep(300)
const shownToStock = stock.editor.getText()
stock.close()
const stockHocuspocus = await hocuspocus([])
await sleep(300)
stockHocuspocus.close()
const full = await yWebsocket(known, { schema: '1' })
full.editor.commands.insertContentAt(0, '<p>Typed over y-websocket.</p>')
await sleep(300)
full.close()
const bySuffix = await hocuspocus(known, { suffix: ';schema=1' })
bySuffix.editor.commands.insertContentAt(0, '<p>Typed over Hocuspocus.</p>')
await sleep(300)
bySuffix.close()
const byQuery = await hocuspocus(known, { query: '?schema=1' })
const fragment = byQuery.doc.getXmlFragment('default').toString()
byQuery.close()
console.log(JSON.stringify({
  denied, shownToStock, stateless: stockHocuspocus.stateless, stockScopes: stockHocuspocus.scopes,
  announcedScopes: [...bySuffix.scopes, ...byQuery.scopes], fragment,
}))
process.exit(0)
