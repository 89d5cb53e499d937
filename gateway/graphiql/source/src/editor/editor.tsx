/// One CodeMirror editor. Each document keeps its undo history and cursor while another one is shown.
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { bracketMatching, codeFolding, foldGutter, foldKeymap, indentOnInput } from '@codemirror/language'
import { Annotation, Compartment, EditorState, type Extension } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  placeholder,
  type KeyBinding,
} from '@codemirror/view'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { theme } from './theme'

export interface EditorProps {
  /** What the editor is called by screen readers. */
  label: string
  /** Which document is shown; it stands for the same text when it is shown again. */
  docKey: string
  value: string
  language: Extension
  /** Completion, checks and search; they may arrive later. */
  features?: Extension
  keys?: readonly KeyBinding[]
  hint?: string
  readOnly?: boolean
  onChange?: (text: string) => void
  onCursor?: (offset: number) => void
}

const NONE: Extension = []
const features = new Compartment()

/** Marks a change that came with `value`, and is not reported to whoever made it. */
const fromOutside = Annotation.define<true>()

/** What was shown before, by document; the longest unseen is dropped first. */
const states = new Map<string, EditorState>()
const MAX_STATES = 160

export function Editor(props: EditorProps) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const shownKey = useRef('')
  const latest = useRef(props)
  latest.current = props

  useLayoutEffect(() => {
    const created = new EditorView({ parent: host.current! })
    view.current = created
    return () => {
      saveState(shownKey.current, created.state)
      created.destroy()
      view.current = null
      shownKey.current = ''
    }
  }, [])

  useLayoutEffect(() => {
    const current = view.current
    if (!current) return
    if (shownKey.current !== props.docKey) {
      saveState(shownKey.current, current.state)
      const saved = states.get(props.docKey)
      current.setState(saved?.doc.toString() === props.value ? saved : newState(latest))
      current.dispatch({ effects: features.reconfigure(props.features ?? NONE) })
      shownKey.current = props.docKey
      props.onCursor?.(current.state.selection.main.head)
    } else if (current.state.doc.toString() !== props.value) {
      current.dispatch({
        changes: difference(current.state.doc.toString(), props.value),
        annotations: fromOutside.of(true),
      })
    }
  }, [props.docKey, props.value])

  useEffect(() => {
    view.current?.dispatch({ effects: features.reconfigure(props.features ?? NONE) })
  }, [props.features])

  return <div class="editor" ref={host} />
}

function newState(latest: { current: EditorProps }): EditorState {
  const { label, value, language, readOnly = false, hint, keys = [] } = latest.current
  const changes = EditorView.updateListener.of((update) => {
    const { onChange, onCursor } = latest.current
    if (update.docChanged && update.transactions.some((each) => each.annotation(fromOutside) === undefined)) {
      onChange?.(update.state.doc.toString())
    }
    if (update.selectionSet || update.docChanged) onCursor?.(update.state.selection.main.head)
  })
  return EditorState.create({
    doc: value,
    extensions: [
      keymap.of([...keys]),
      lineNumbers(),
      foldGutter({ openText: '⌄', closedText: '›' }),
      codeFolding(),
      highlightSpecialChars(),
      drawSelection(),
      EditorView.lineWrapping,
      bracketMatching(),
      readOnly ? READ_ONLY : EDITABLE,
      hint ? placeholder(hint) : NONE,
      EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
      language,
      theme,
      features.of(NONE),
      keymap.of([...defaultKeymap, ...foldKeymap]),
      changes,
    ],
  })
}

const EDITABLE: Extension = [history(), indentOnInput(), highlightActiveLineGutter(), keymap.of(historyKeymap)]

/** Still focusable, so that its text can be scrolled, selected and searched with the keyboard. */
const READ_ONLY: Extension = [
  EditorState.readOnly.of(true),
  EditorView.editable.of(false),
  EditorView.contentAttributes.of({ 'aria-readonly': 'true' }),
]

function saveState(key: string, state: EditorState): void {
  if (key === '' || state.readOnly) return
  states.delete(key)
  states.set(key, state)
  for (const oldest of states.keys()) {
    if (states.size <= MAX_STATES) break
    states.delete(oldest)
  }
}

/** The smallest single change between two texts, so that the cursor stays where it was. */
export function difference(before: string, after: string): { from: number; to: number; insert: string } {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let end = 0
  const most = Math.min(before.length, after.length) - start
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end++
  return { from: start, to: before.length - end, insert: after.slice(start, after.length - end) }
}
