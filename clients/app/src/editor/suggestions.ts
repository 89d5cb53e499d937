/// Suggests people behind an @ and tasks behind a #, at the place in the text, as a list that arrows and Enter choose from.
import { fromGlobalId } from '@pantherahive/client'
import type { MentionOptions } from '@tiptap/extension-mention'
import type { SuggestionKeyDownProps, SuggestionProps } from '@tiptap/suggestion'
import { announce } from '../data/notices'
import { suggest, type Suggested, type Trigger } from '../data/suggestions'

type Suggestion = MentionOptions['suggestions'][number]

/** After a key, in milliseconds. */
const PAUSE_MS = 120

export const suggestions: Suggestion[] = [
  {
    ...common('@'),
    command: ({ editor, range, props }) =>
      editor
        .chain()
        .focus()
        .insertContentAt(range, [
          {
            type: 'mention',
            attrs: { id: fromGlobalId(props.id!).uuid, label: (props as unknown as Suggested).name },
          },
          { type: 'text', text: ' ' },
        ])
        .run(),
  },
  {
    ...common('#'),
    command: ({ editor, range, props }) => {
      const { name } = props as unknown as Suggested
      const href = `${location.origin}/tasks/${name}`
      editor
        .chain()
        .focus()
        .insertContentAt(range, [
          { type: 'text', text: `#${name}`, marks: [{ type: 'link', attrs: { href } }] },
          { type: 'text', text: ' ' },
        ])
        .unsetMark('link')
        .run()
    },
  },
]

function common(trigger: Trigger): Suggestion {
  return {
    char: trigger,
    allowSpaces: true,
    container: '#content',
    allowedPrefixes: [' ', '('],
    debounce: PAUSE_MS,
    items: ({ query, signal }) => (query.length > 30 ? [] : suggest(trigger, query, signal)),
    render: () => new SuggestionList(trigger === '@' ? 'People' : 'Tasks'),
  }
}

/** The list is beside the editor, whose element says which entry is meant. */
class SuggestionList {
  readonly #list = document.createElement('ul')
  #unmount: (() => void) | undefined
  #props: SuggestionProps<Suggested> | undefined
  #active = 0

  constructor(name: string) {
    this.#list.className = 'suggestions suggestions-floating'
    this.#list.id = `suggestions-${name}`
    this.#list.setAttribute('role', 'listbox')
    this.#list.setAttribute('aria-label', name)
  }

  readonly onStart = (props: SuggestionProps<Suggested>): void => {
    this.#unmount = props.mount(this.#list)
    this.onUpdate(props)
  }

  readonly onUpdate = (props: SuggestionProps<Suggested>): void => {
    this.#props = props
    this.#active = 0
    this.#list.hidden = props.items.length === 0
    this.#list.replaceChildren(...props.items.map((item) => this.#entry(item)))
    this.#mark()
    if (props.items.length > 0) announce(`${props.items.length} suggestions, arrows and Enter choose.`)
  }

  readonly onKeyDown = ({ event }: SuggestionKeyDownProps): boolean => {
    const items = this.#props?.items ?? []
    if (items.length === 0) return false
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step !== 0) this.#active = (this.#active + step + items.length) % items.length
    else if (event.key === 'Enter' || event.key === 'Tab') this.#props!.command(items[this.#active]!)
    else return false
    this.#mark()
    return true
  }

  readonly onExit = (): void => {
    const element = this.#props?.editor.view.dom
    element?.removeAttribute('aria-activedescendant')
    element?.removeAttribute('aria-controls')
    this.#unmount?.()
  }

  #entry(item: Suggested): HTMLElement {
    const entry = document.createElement('li')
    entry.id = `suggestion-${item.id}`
    entry.setAttribute('role', 'option')
    for (const [name, text] of [
      ['suggestion-name', item.name],
      ['suggestion-detail', item.detail],
    ] as const) {
      const part = document.createElement('span')
      part.className = name
      part.textContent = text
      entry.append(part)
    }
    entry.addEventListener('pointerdown', (event) => {
      event.preventDefault()
      this.#props?.command(item)
    })
    return entry
  }

  #mark(): void {
    const entries = [...this.#list.children]
    entries.forEach((entry, index) => entry.setAttribute('aria-selected', String(index === this.#active)))
    const element = this.#props?.editor.view.dom
    const active = entries[this.#active]
    if (!element || !active) return
    element.setAttribute('aria-controls', this.#list.id)
    element.setAttribute('aria-activedescendant', active.id)
    active.scrollIntoView({ block: 'nearest' })
  }
}
