/// What every editor has once it has arrived: search with Ctrl-F, and brackets that close themselves.
import { closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import type { Extension } from '@codemirror/state'
import { keymap } from '@codemirror/view'

export const viewingFeatures: Extension = [search({ top: true }), highlightSelectionMatches(), keymap.of(searchKeymap)]

export const editingFeatures: Extension = [viewingFeatures, closeBrackets(), keymap.of(closeBracketsKeymap)]
