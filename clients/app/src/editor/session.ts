/// One document that is open: its text as a Yjs document, whoever else has it open, and whether both are up to date.
import { openDocument, presentUsers, type OpenDocument, type PresentUser } from '@pantherahive/client/hocuspocus'
import type { HocuspocusProvider } from '@hocuspocus/provider'
import { client } from '../data/session'
import { Store } from '../data/store'

export type TextState = 'connecting' | 'saved' | 'saving' | 'offline' | 'refused'

export class DocumentSession {
  readonly state = new Store<TextState>('connecting')
  /** Whether the text has arrived for the first time. */
  readonly isLoaded = new Store(false)
  readonly isReadOnly = new Store(false)
  /** The others who have it open. */
  readonly peers = new Store<readonly PresentUser[]>([])
  readonly opened: OpenDocument<HocuspocusProvider>

  constructor(id: string, me: { id: string; displayName: string }) {
    this.opened = openDocument(client, {
      id,
      user: { id: me.id, name: me.displayName },
      onState: (state) => {
        if (state === 'live') this.isLoaded.set(true)
        this.#show()
      },
      onReadOnly: () => this.isReadOnly.set(true),
    })
    this.opened.provider.on('unsyncedChanges', () => this.#show())
    this.opened.awareness.on('change', () =>
      this.peers.set(presentUsers(this.opened.awareness).filter((user) => user.id !== me.id)),
    )
  }

  destroy(): void {
    this.opened.destroy()
    this.opened.document.destroy()
  }

  #show(): void {
    const { state, isSaved } = this.opened
    if (state === 'refused') this.state.set('refused')
    else if (!this.isLoaded.get()) this.state.set('connecting')
    else if (state === 'offline') this.state.set('offline')
    else this.state.set(isSaved ? 'saved' : 'saving')
  }
}
