/// Completion as both editors have it.
import {
  acceptCompletion,
  autocompletion,
  completionKeymap,
  completionStatus,
  startCompletion,
  type CompletionSource,
} from '@codemirror/autocomplete'
import type { Extension } from '@codemirror/state'
import { EditorView, keymap } from '@codemirror/view'

export function completion(source: CompletionSource): Extension {
  return [
    autocompletion({ override: [source], icons: false }),
    keymap.of([
      { key: 'Tab', run: acceptCompletion },
      { key: 'Ctrl-Space', mac: 'Cmd-i', run: startCompletion },
      ...completionKeymap,
    ]),
    reachableList,
  ]
}

/** The list scrolls, so it must be reachable without a pointer; CodeMirror makes a new one at each change. */
const reachableList = EditorView.updateListener.of(({ state, view }) => {
  if (completionStatus(state) === null) return
  view.requestMeasure({
    key: reachableList,
    read: () => view.dom.querySelector('.cm-tooltip-autocomplete > ul'),
    write: (list) => list?.setAttribute('tabindex', '0'),
  })
})
