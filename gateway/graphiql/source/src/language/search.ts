/// Search in an editor, with Ctrl-F.
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import type { Extension } from '@codemirror/state'
import { keymap } from '@codemirror/view'

export const searchFeatures: Extension = [search({ top: true }), highlightSelectionMatches(), keymap.of(searchKeymap)]
