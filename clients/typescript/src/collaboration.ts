/** What providers of live documents have in common. */
import { UndoManager, type Doc } from 'yjs'
import type { Awareness } from 'y-protocols/awareness'

import type { HiveClient } from './client.ts'
import { EDITOR_FRAGMENT } from './editor.ts'

/** As of `subscribe`. `refused`: the document is not there, or not for this person; it does not come back by itself. */
export type DocumentState = 'offline' | 'catching up' | 'live' | 'refused'

export interface OpenDocumentOptions {
  /** The document's global id. */
  id: string
  /** A new one by default; one that an IndexedDB persistence has filled opens offline. */
  document?: Doc
  /** Who is shown to others. */
  user?: { id: string; name: string }
  /** The version of the editor schema that the editor implements; null for a client that is no editor of TipTap's. */
  schemaVersion?: number | null
  onState?(state: DocumentState): void
  /** The document may only be read: by this person, or by an editor that lacks `unknown` nodes. */
  onReadOnly?(unknown: readonly string[]): void
  /** For Node. */
  WebSocketPolyfill?: unknown
}

export interface OpenDocument<TProvider> {
  readonly document: Doc
  readonly provider: TProvider
  readonly awareness: Awareness
  /** Undo of what this client wrote, and of nothing else. TipTap's Collaboration has one of its own. */
  undoManager(): UndoManager
  readonly state: DocumentState
  /** Whether everything written here is durable on the server; undefined where the protocol does not tell. */
  readonly isSaved: boolean | undefined
  destroy(): void
}

export function collaborationUrl(client: HiveClient): string {
  return `${client.url.replace(/^http/, 'ws')}/collaboration`
}

export function createUndoManager(document: Doc): UndoManager {
  return new UndoManager(document.getXmlFragment(EDITOR_FRAGMENT), { captureTimeout: 500 })
}

/** Calls a listener when the state changes. */
export class StateListener {
  current: DocumentState = 'offline'

  constructor(readonly listener: ((state: DocumentState) => void) | undefined) {}

  set(state: DocumentState): void {
    if (this.current === state || this.current === 'refused') return
    this.current = state
    this.listener?.(state)
  }
}
