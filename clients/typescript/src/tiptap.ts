/** The extensions of a TipTap editor on a live document: all nodes that a document may hold, one undo for one's own edits. */
import { Extension, type Extensions } from '@tiptap/core'
import Collaboration from '@tiptap/extension-collaboration'
import Image from '@tiptap/extension-image'
import { TaskItem, TaskList } from '@tiptap/extension-list'
import Mention, { type MentionOptions } from '@tiptap/extension-mention'
import { TableKit } from '@tiptap/extension-table'
import StarterKit from '@tiptap/starter-kit'
import type { Doc } from 'yjs'

import { checkEditorSchema, EDITOR_FRAGMENT } from './editor.ts'

export { checkEditorSchema, EDITOR_FRAGMENT, EDITOR_SCHEMA_VERSION, missingFrom } from './editor.ts'

export interface EditorOptions {
  document: Doc
  /** `slide:{id}` for the body of a presentation's slide. */
  field?: string
  /** How people are suggested behind an @. */
  suggestion?: MentionOptions['suggestion']
  /** What a warning is given to; the console by default. */
  warn?: (message: string) => void
}

/** Everything but the cursors of others: `@tiptap/extension-collaboration-caret` takes the provider of `./hocuspocus` or `./y-websocket`. */
export function editorExtensions({ document, field = EDITOR_FRAGMENT, suggestion, warn }: EditorOptions): Extensions {
  return [
    // Undo is Collaboration's: TipTap's own would undo what others wrote.
    StarterKit.configure({ undoRedo: false }),
    Collaboration.configure({ document, field }),
    TaskList,
    TaskItem.configure({ nested: true }),
    TableKit,
    Image,
    suggestion ? Mention.configure({ suggestion }) : Mention,
    schemaCheck(warn),
  ]
}

/** Warns when the editor lacks a node or mark; by itself among `editorExtensions`, to be added to a set of one's own. */
export function schemaCheck(warn?: (message: string) => void): Extension {
  return Extension.create({
    name: 'pantheraHiveSchemaCheck',
    onBeforeCreate() {
      checkEditorSchema(this.editor.schema, warn)
    },
  })
}
