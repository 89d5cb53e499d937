/// What the editor knows: every node and mark of the server's editor schema, so that it deletes nothing that others wrote.
import { EDITOR_FRAGMENT, schemaCheck } from '@pantherahive/client/tiptap'
import { Extension, type Extensions } from '@tiptap/core'
import Collaboration from '@tiptap/extension-collaboration'
import Image from '@tiptap/extension-image'
import { TaskItem, TaskList } from '@tiptap/extension-list'
import Mention from '@tiptap/extension-mention'
import { TableKit } from '@tiptap/extension-table'
import StarterKit from '@tiptap/starter-kit'
import { yCursorPlugin } from '@tiptap/y-tiptap'
import type { Awareness } from 'y-protocols/awareness'
import type { Doc } from 'yjs'
import { suggestions } from './suggestions'
import { hueOf } from '../ui/avatar'

interface CaretUser {
  id?: string
  name?: string
}

export function extensions(doc: Doc, awareness: Awareness): Extensions {
  return [
    StarterKit.configure({ undoRedo: false, link: { openOnClick: false, autolink: true } }),
    Collaboration.configure({ document: doc, field: EDITOR_FRAGMENT }),
    Carets.configure({ awareness }),
    TaskList,
    TaskItem.configure({
      nested: true,
      a11y: {
        checkboxLabel: (node, checked) => `${node.textContent || 'Empty entry'}: ${checked ? 'done' : 'not done'}`,
      },
    }),
    TableKit,
    Image,
    Mention.configure({ suggestions }),
    schemaCheck(),
  ]
}

/** Where others write. The carets are elements with classes, since the page allows no style attributes. */
const Carets = Extension.create<{ awareness: Awareness | null }>({
  name: 'carets',
  addOptions: () => ({ awareness: null }),
  addProseMirrorPlugins() {
    if (!this.options.awareness) return []
    return [
      yCursorPlugin(this.options.awareness, {
        cursorBuilder: caret,
        selectionBuilder: (user: CaretUser) => ({ class: `peer-selection hue-${hueOf(user.id ?? '')}` }),
      }),
    ]
  },
})

function caret(user: CaretUser): HTMLElement {
  const element = document.createElement('span')
  element.className = `peer-caret hue-${hueOf(user.id ?? '')}`
  const name = document.createElement('span')
  name.className = 'peer-name'
  name.textContent = user.name ?? 'Somebody'
  element.append(name)
  return element
}
