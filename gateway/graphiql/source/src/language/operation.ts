/// What the operation editor knows with a schema: completion, checks, descriptions under the pointer, links to the docs.
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete'
import { linter, type Diagnostic } from '@codemirror/lint'
import type { Extension, Text } from '@codemirror/state'
import { EditorView, hoverTooltip } from '@codemirror/view'
import { getNamedType, type GraphQLSchema } from 'graphql'
import {
  getAutocompleteSuggestions,
  getContextAtPosition,
  getDiagnostics,
  getHoverInformation,
  Position,
  type IPosition,
} from 'graphql-language-service'
import { completion } from './completion'

/** Where the docs are to be opened. */
export type DocsTarget = { type: string; field: string | null }

const SEVERITIES = ['error', 'error', 'warning', 'info', 'info'] as const
const CHECK_DELAY_MS = 300

export function operationFeatures(schema: GraphQLSchema, onShowDocs: (target: DocsTarget) => void): Extension {
  return [
    completion((context) => complete(schema, context)),
    linter((view) => check(schema, view.state.doc), { delay: CHECK_DELAY_MS }),
    hoverTooltip((view, offset) => describe(schema, view.state.doc, offset)),
    EditorView.domEventHandlers({
      click(event, view) {
        if (!event.metaKey && !event.ctrlKey) return false
        const offset = view.posAtCoords({ x: event.clientX, y: event.clientY })
        const target = offset === null ? null : targetAt(schema, view.state.doc, offset)
        if (target) onShowDocs(target)
        return target !== null
      },
    }),
  ]
}

function complete(schema: GraphQLSchema, context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/\w*/)
  const before = context.state.sliceDoc(Math.max(0, context.pos - 1), context.pos)
  if (!context.explicit && !/[\w@$({.:]/.test(before)) return null
  const found = getAutocompleteSuggestions(
    schema,
    context.state.doc.toString(),
    positionOf(context.state.doc, context.pos),
  )
  if (found.length === 0) return null
  const options = found.map((item): Completion => {
    const note = item.deprecationReason ?? item.documentation
    return {
      label: item.label,
      detail: item.detail ?? undefined,
      boost: item.label.startsWith('__') ? -1 : 0,
      info: note ? () => element('div', '', note) : undefined,
    }
  })
  return { from: word?.from ?? context.pos, options, validFor: /^\w*$/ }
}

function check(schema: GraphQLSchema, document: Text): Diagnostic[] {
  const text = document.toString()
  if (text.replace(/#.*/g, '').trim() === '') return []
  return getDiagnostics(text, schema).map(({ range, message, severity }) => {
    const from = offsetOf(document, range.start)
    const to = Math.max(offsetOf(document, range.end), Math.min(from + 1, document.length))
    return {
      from,
      to,
      message: typeof message === 'string' ? message : message.value,
      severity: SEVERITIES[severity ?? 1] ?? 'error',
    }
  })
}

function describe(schema: GraphQLSchema, document: Text, offset: number) {
  const information = getHoverInformation(schema, document.toString(), positionOf(document, offset + 1))
  if (typeof information !== 'string' || information === '') return null
  const [signature = '', ...description] = information.split('\n\n')
  const { from, to } = wordAround(document, offset)
  return {
    pos: from,
    end: to,
    create: () => {
      const dom = element('div', 'hover', '')
      dom.append(element('code', 'hover-signature', signature))
      if (description.length > 0) dom.append(element('p', 'hover-description', description.join('\n\n')))
      return { dom }
    },
  }
}

function targetAt(schema: GraphQLSchema, document: Text, offset: number): DocsTarget | null {
  const context = getContextAtPosition(document.toString(), positionOf(document, offset + 1), schema)
  if (!context) return null
  const { typeInfo, token } = context
  const { kind } = token.state
  if (
    (kind === 'Field' || kind === 'AliasedField' || kind === 'Argument') &&
    typeInfo.fieldDef &&
    typeInfo.parentType
  ) {
    return { type: getNamedType(typeInfo.parentType).name, field: typeInfo.fieldDef.name }
  }
  const named = typeInfo.type ?? typeInfo.inputType
  return named ? { type: getNamedType(named).name, field: null } : null
}

function wordAround(document: Text, offset: number): { from: number; to: number } {
  const line = document.lineAt(offset)
  const place = offset - line.from
  const before = /\w*$/.exec(line.text.slice(0, place))![0].length
  const after = /^\w*/.exec(line.text.slice(place))![0].length
  return { from: offset - before, to: offset + after }
}

function positionOf(document: Text, offset: number): IPosition {
  const line = document.lineAt(Math.min(offset, document.length))
  return new Position(line.number - 1, Math.min(offset, document.length) - line.from)
}

function offsetOf(document: Text, position: { line: number; character: number }): number {
  const line = document.line(Math.min(Math.max(position.line + 1, 1), document.lines))
  return Math.min(line.from + Math.max(0, position.character), line.to)
}

function element(name: string, className: string, text: string): HTMLElement {
  const created = document.createElement(name)
  if (className) created.className = className
  created.textContent = text
  return created
}
