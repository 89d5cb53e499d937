/** Opens live documents with Hocuspocus' provider, set up for this server: tokens renewed in band, and back after every break. */
import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
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

/** Waits before coming back, in milliseconds: the first, and the longest. */
const FIRST_DELAY_MS = 300
const LONGEST_DELAY_MS = 10_000

export interface HocuspocusOptions extends OpenDocumentOptions {
  /** A socket of `openSocket` that several documents share, 20 at most; one of its own by default. */
  socket?: HocuspocusProviderWebsocket
}

/** A socket that comes back by itself until it is destroyed. */
export function openSocket(client: HiveClient, WebSocketPolyfill?: unknown): HocuspocusProviderWebsocket {
  const socket = new HocuspocusProviderWebsocket({
    url: collaborationUrl(client),
    delay: FIRST_DELAY_MS,
    minDelay: FIRST_DELAY_MS / 2,
    maxDelay: LONGEST_DELAY_MS,
    ...(WebSocketPolyfill ? { WebSocketPolyfill } : {}),
  })
  // The provider ignores `connect` while a socket that it gave up has not closed, and would then stay away for ever.
  let isWanted = true
  const connect = socket.connect.bind(socket)
  const disconnect = socket.disconnect.bind(socket)
  socket.connect = () => ((isWanted = true), connect())
  socket.disconnect = () => ((isWanted = false), disconnect())
  socket.on('destroy', () => (isWanted = false))
  socket.on('close', () => isWanted && !socket.shouldConnect && void connect())
  return socket
}

export function openDocument(client: HiveClient, options: HocuspocusOptions): OpenDocument<HocuspocusProvider> {
  const { id, document = new Doc(), user, schemaVersion = EDITOR_SCHEMA_VERSION } = options
  const socket = options.socket ?? openSocket(client, options.WebSocketPolyfill)
  const state = new StateListener(options.onState)
  let refused: string | null = null
  let sent: string | null = null
  const provider = new HocuspocusProvider({
    websocketProvider: socket,
    name: id,
    document,
    token: async () => {
      // A token that was refused is not sent again: the clock of this machine may be wrong.
      const token = refused ? await client.session.accessTokenAfter(refused) : await client.session.accessToken()
      refused = null
      sent = token
      return `${token ?? ''}${schemaVersion === null ? '' : `;schema=${schemaVersion}`}`
    },
    onStatus: ({ status }) => state.set(status === 'connected' ? 'catching up' : 'offline'),
    onSynced: () => provider.isAuthenticated && state.set('live'),
    onAuthenticated: ({ scope }) => {
      if (provider.synced) state.set('live')
      if ((scope as string) === 'readonly') options.onReadOnly?.([])
    },
    onAuthenticationFailed: ({ reason }) => {
      if ((reason === 'UNAUTHENTICATED' || reason === 'TOKEN_EXPIRED') && sent && client.session.isSignedIn) {
        refused = sent
        sent = null
        void provider.sendToken()
      } else if (reason !== 'SERVICE_UNAVAILABLE') {
        state.set('refused')
      }
    },
    onStateless: ({ payload }) => {
      const said = parse(payload)
      if (said.type === 'SCHEMA_REQUIRED') options.onReadOnly?.(said.unknown ?? [])
    },
  })
  provider.attach()
  if (user && provider.awareness) announceUser(provider.awareness, user)
  const unlisten = client.session.listen((tokens) => {
    if (tokens && provider.isAuthenticated) void provider.sendToken()
  })
  return {
    document,
    provider,
    awareness: provider.awareness!,
    undoManager: () => createUndoManager(document),
    get state() {
      return state.current
    },
    get isSaved() {
      return !provider.hasUnsyncedChanges
    },
    destroy() {
      unlisten()
      provider.destroy()
      if (!options.socket) socket.destroy()
    },
  }
}

function parse(payload: string): { type?: string; unknown?: string[] } {
  try {
    return JSON.parse(payload)
  } catch {
    return {}
  }
}
