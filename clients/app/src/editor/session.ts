/// One document that is open: its text as a Yjs document, whoever else has it open, and the connection that both take.
import { HocuspocusProvider } from '@hocuspocus/provider'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { connection } from '../data/live'
import { client } from '../data/session'
import { Store } from '../data/store'
import { hueOf } from '../ui/avatar'

/** The version of the editor schema whose nodes `extensions.ts` knows (docs/collaboration.md). */
const SCHEMA_VERSION = 1

/** How long a connection may be away, while the server can be reached, before another one takes its place, in milliseconds. */
const PATIENCE_MS = 3_000

export interface Peer {
  clientId: number
  id: string
  name: string
}

export type TextState = 'connecting' | 'saved' | 'saving' | 'offline' | 'refused'

export class DocumentSession {
  readonly doc = new Y.Doc()
  readonly awareness = new Awareness(this.doc)
  readonly state = new Store<TextState>('connecting')
  /** Whether the text has arrived for the first time. */
  readonly isLoaded = new Store(false)
  readonly isReadOnly = new Store(false)
  readonly peers = new Store<readonly Peer[]>([])
  #provider: HocuspocusProvider | null = null
  #timer: ReturnType<typeof setInterval>
  #isConnected = false
  #lastSeen = Date.now()

  constructor(
    readonly id: string,
    me: { id: string; displayName: string },
  ) {
    this.awareness.setLocalStateField('user', { id: me.id, name: me.displayName, hue: hueOf(me.id) })
    this.awareness.on('change', () => this.#showPeers())
    this.#connect()
    // The provider stays away for ever when its old socket closes late, or its token was refused: then it is replaced.
    this.#timer = setInterval(() => this.#look(), 1_000)
  }

  /** Ends the connection; what was written and not sent yet is lost with the page only. */
  destroy(): void {
    clearInterval(this.#timer)
    this.#provider?.destroy()
    this.awareness.destroy()
    this.doc.destroy()
  }

  #connect(): void {
    this.#provider?.destroy()
    this.#lastSeen = Date.now()
    const provider = new HocuspocusProvider({
      url: `${client.url.replace(/^http/, 'ws')}/collaboration?schema=${SCHEMA_VERSION}`,
      name: this.id,
      document: this.doc,
      awareness: this.awareness,
      token: async () => (await client.session.accessToken()) ?? '',
      onAuthenticated: ({ scope }) => this.isReadOnly.set(scope === 'readonly'),
      onAuthenticationFailed: ({ reason }) => {
        if (/not-found|permission|forbidden/i.test(reason)) this.state.set('refused')
      },
      onSynced: ({ state }) => {
        if (!state) return
        this.isLoaded.set(true)
        this.#show()
      },
      onStatus: ({ status }) => {
        this.#isConnected = status === 'connected'
        this.#show()
      },
      onUnsyncedChanges: () => this.#show(),
    })
    this.#provider = provider
  }

  #look(): void {
    if (this.#isConnected && this.#provider?.isSynced) this.#lastSeen = Date.now()
    const isAway = Date.now() - this.#lastSeen > PATIENCE_MS
    if (isAway && connection.get() !== 'offline' && this.state.get() !== 'refused') this.#connect()
  }

  #show(): void {
    if (this.state.get() === 'refused') return
    if (!this.#isConnected) this.state.set(this.isLoaded.get() ? 'offline' : 'connecting')
    else if (!this.isLoaded.get()) this.state.set('connecting')
    else this.state.set(this.#provider?.hasUnsyncedChanges ? 'saving' : 'saved')
  }

  #showPeers(): void {
    const peers: Peer[] = []
    for (const [clientId, { user }] of this.awareness.getStates() as Map<number, { user?: { id?: string; name?: string } }>)
      if (clientId !== this.doc.clientID && user?.name) peers.push({ clientId, id: user.id ?? '', name: user.name })
    this.peers.set(peers.sort((a, b) => a.clientId - b.clientId))
  }
}
