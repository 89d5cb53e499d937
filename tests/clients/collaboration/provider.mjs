// A document at a stock provider: what both kinds can do, under one name. Sockets may be cut off and come back.
import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

// A socket that is closed while it connects reports an error that nobody listens to any more.
class Socket extends WebSocket {
  constructor(...given) {
    super(...given)
    this.on('error', () => {})
  }
}

export function open(kind, { url, id, token, before = null, words = [] }) {
  const doc = new Y.Doc()
  if (before) Y.applyUpdate(doc, before)
  for (const word of words) doc.getText('text').insert(0, word)
  return kind === 'hocuspocus' ? openHocuspocus(url, id, token, doc) : openYWebsocket(url, id, token, doc)
}

function openYWebsocket(url, id, token, doc) {
  const closed = []
  const provider = new WebsocketProvider(`${url}/collaboration`, id, doc, {
    params: { token },
    WebSocketPolyfill: Socket,
    disableBc: true,
    maxBackoffTime: 300,
  })
  provider.on('connection-close', (event) => event && closed.push(event.code))
  return {
    doc,
    provider,
    closed,
    awareness: provider.awareness,
    isSynced: () => provider.synced,
    // y-websocket has no acknowledgements.
    isAcknowledged: () => true,
    cut: () => provider.disconnect(),
    mend: () => provider.connect(),
    aim: (other) => {
      provider.serverUrl = `${other}/collaboration`
    },
    destroy: () => {
      provider.destroy()
    },
  }
}

function openHocuspocus(url, id, token, doc) {
  const closed = []
  const refused = []
  const socket = new HocuspocusProviderWebsocket({
    url: `${url}/collaboration`,
    WebSocketPolyfill: Socket,
    delay: 100,
    minDelay: 50,
    maxDelay: 300,
  })
  let isWanted = true
  socket.on('close', ({ event }) => {
    closed.push(event.code)
    // The provider ignores `connect` while a socket that it gave up has not closed yet, and would stay away for ever.
    if (isWanted && !socket.shouldConnect) socket.connect()
  })
  const provider = new HocuspocusProvider({
    websocketProvider: socket,
    name: id,
    token,
    document: doc,
    onAuthenticationFailed: ({ reason }) => refused.push(reason),
  })
  provider.attach()
  return {
    doc,
    provider,
    closed,
    refused,
    awareness: provider.awareness,
    isSynced: () => provider.synced && provider.isAuthenticated,
    isAcknowledged: () => !provider.hasUnsyncedChanges,
    cut: () => {
      isWanted = false
      socket.disconnect()
    },
    mend: () => {
      isWanted = true
      socket.connect()
    },
    aim: (other) => socket.setConfiguration({ url: `${other}/collaboration` }),
    destroy: () => {
      provider.destroy()
      socket.destroy()
    },
  }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export async function until(condition, what, ms = 60_000) {
  const end = Date.now() + ms
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`)
    await sleep(5)
  }
}

// The same sequence on every run.
export function dice(seed) {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state % below
  }
}
