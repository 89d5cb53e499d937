/** Opens live documents with y-websocket's provider, set up for this server: back with a fresh token after every break. */
import { WebsocketProvider } from 'y-websocket'
import { Doc } from 'yjs'

import type { HiveClient } from './client.ts'
import {
  collaborationUrl,
  createUndoManager,
  StateListener,
  type OpenDocument,
  type OpenDocumentOptions,
} from './collaboration.ts'
import { EDITOR_SCHEMA_VERSION } from './editor.ts'
import { announceUser } from './presence.ts'

export type { DocumentState, OpenDocument, OpenDocumentOptions } from './collaboration.ts'
export { announceUser, presenceColor, presentUsers, type PresentUser } from './presence.ts'

const LONGEST_DELAY_MS = 10_000
/** The token has expired, or its session has ended. */
const SIGNED_OUT_CLOSE = 4401

export function openDocument(client: HiveClient, options: OpenDocumentOptions): OpenDocument<WebsocketProvider> {
  const { id, document = new Doc(), user, schemaVersion = EDITOR_SCHEMA_VERSION } = options
  const state = new StateListener(options.onState)
  let isDestroyed = false
  const provider = new WebsocketProvider(collaborationUrl(client), id, document, {
    connect: false,
    // The token stands in the address: it is put there before each connection.
    params: {},
    maxBackoffTime: LONGEST_DELAY_MS,
    // Tabs meet on the server: what one has that the server refused would otherwise live on in the others.
    disableBc: true,
    ...(options.WebSocketPolyfill ? { WebSocketPolyfill: options.WebSocketPolyfill as typeof WebSocket } : {}),
  })
  const setToken = (token: string | null): void => {
    provider.params = { token: token ?? '', ...(schemaVersion === null ? {} : { schema: String(schemaVersion) }) }
  }
  const connect = async (refused: string | null = null): Promise<void> => {
    try {
      const { session } = client
      setToken(refused ? await session.accessTokenAfter(refused) : await session.accessToken())
    } catch {
      // The server is away: the provider tries again with what there is.
    }
    if (!isDestroyed) provider.connect()
  }
  provider.on('status', ({ status }) => state.set(status === 'connected' ? 'catching up' : 'offline'))
  provider.on('sync', (isSynced) => isSynced && state.set('live'))
  provider.on('closed', ({ code }) => {
    if (code === SIGNED_OUT_CLOSE && client.session.isSignedIn) void connect(provider.params['token'] ?? null)
    else state.set('refused')
  })
  if (user) announceUser(provider.awareness, user)
  const unlisten = client.session.listen((tokens) => setToken(tokens?.accessToken ?? null))
  void connect()
  return {
    document,
    provider,
    awareness: provider.awareness,
    undoManager: () => createUndoManager(document),
    get state() {
      return state.current
    },
    // The protocol has no acknowledgements.
    isSaved: undefined,
    destroy() {
      isDestroyed = true
      unlisten()
      provider.destroy()
    },
  }
}
