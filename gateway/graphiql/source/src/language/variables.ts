/// What the variables editor knows: the operation's variables, completed and checked against the schema.
import type { CompletionContext, CompletionResult } from '@codemirror/autocomplete'
import { jsonParseLinter } from '@codemirror/lang-json'
import { syntaxTree } from '@codemirror/language'
import { linter, type Diagnostic } from '@codemirror/lint'
import type { EditorState, Extension } from '@codemirror/state'
import type { EditorView } from '@codemirror/view'
import {
  coerceInputValue,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInputType,
  isNonNullType,
  typeFromAST,
  type GraphQLInputType,
  type GraphQLSchema,
  type TypeNode,
} from 'graphql'
import { operationsIn, parseDocument } from '../documents'
import { completion } from './completion'

interface Variable {
  type: GraphQLInputType
  hasDefault: boolean
}

const syntaxCheck = jsonParseLinter()
const CHECK_DELAY_MS = 300

/** `query` is the text of the operation editor. */
export function variableFeatures(schema: GraphQLSchema, query: string): Extension {
  const variables = variablesOf(schema, query)
  return [
    completion((context) => complete(variables, context)),
    linter((view) => check(variables, view), { delay: CHECK_DELAY_MS }),
  ]
}

function variablesOf(schema: GraphQLSchema, query: string): Map<string, Variable> {
  const document = parseDocument(query)
  const variables = new Map<string, Variable>()
  for (const operation of document ? operationsIn(document) : []) {
    for (const { variable, type: node, defaultValue } of operation.variableDefinitions ?? []) {
      const type = typeFromAST(schema, node as TypeNode & { kind: 'NamedType' })
      if (isInputType(type)) variables.set(variable.name.value, { type, hasDefault: defaultValue !== undefined })
    }
  }
  return variables
}

/** Names of variables and input fields where a name belongs, values of enums where a value does. */
function complete(variables: Map<string, Variable>, context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/"?\w*/)
  if (!word || (word.from === word.to && !context.explicit)) return null
  const place = pathAt(context.state, context.pos)
  if (!place) return null
  const { path, inValue } = place
  const object = typeAt(variables, inValue ? path : path.slice(0, -1))
  const closing = context.state.sliceDoc(context.pos, context.pos + 1) === '"' ? 1 : 0
  const apply = (text: string) => (view: EditorView, _: unknown, from: number, to: number) => {
    view.dispatch({ changes: { from, to: to + closing, insert: text }, selection: { anchor: from + text.length } })
  }
  if (inValue) {
    const type = object && getNamedType(object)
    if (!isEnumType(type)) return null
    const options = type.getValues().map(({ name, description }) => {
      return { label: `"${name}"`, detail: description ?? undefined, apply: apply(`"${name}"`) }
    })
    return { from: word.from, options }
  }
  const fields = path.length <= 1 ? [...variables].map(([name, { type }]) => ({ name, type })) : inputFields(object)
  const options = fields.map(({ name, type }) => ({
    label: `"${name}"`,
    detail: String(type),
    apply: apply(`"${name}": `),
  }))
  return { from: word.from, options }
}

function inputFields(type: GraphQLInputType | null): { name: string; type: GraphQLInputType }[] {
  const named = type && getNamedType(type)
  return isInputObjectType(named) ? Object.values(named.getFields()) : []
}

function typeAt(variables: Map<string, Variable>, path: readonly string[]): GraphQLInputType | null {
  const [first, ...rest] = path
  let type: GraphQLInputType | null = (first === undefined ? undefined : variables.get(first)?.type) ?? null
  for (const name of rest) type = inputFields(type).find((field) => field.name === name)?.type ?? null
  return type
}

/** The names that lead to a place in the JSON; lists add none. */
function pathAt(state: EditorState, offset: number): { path: string[]; inValue: boolean } | null {
  let node = syntaxTree(state).resolveInner(offset, -1)
  const path: string[] = []
  let inValue = false
  let isFirst = true
  for (;;) {
    if (node.name === 'Property') {
      const name = node.getChild('PropertyName')
      path.unshift(name ? String(unquote(state.sliceDoc(name.from, name.to))) : '')
      if (isFirst) inValue = name !== null && offset > name.to
      isFirst = false
    } else if (node.name === 'Object' && isFirst) {
      path.unshift('')
      isFirst = false
    }
    if (!node.parent) return path.length > 0 ? { path, inValue } : null
    node = node.parent
  }
}

function unquote(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text.replace(/"/g, '')
  }
}

function check(variables: Map<string, Variable>, view: EditorView): Diagnostic[] {
  const text = view.state.doc.toString()
  if (text.trim() === '') return []
  const broken = syntaxCheck(view)
  if (broken.length > 0) return broken
  const values: unknown = JSON.parse(text)
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    return [{ from: 0, to: text.length, severity: 'error', message: 'Variables must be a JSON object.' }]
  }
  const problems: Diagnostic[] = []
  for (const [name, value] of Object.entries(values)) {
    const variable = variables.get(name)
    const report = (message: string, severity: 'error' | 'warning' = 'error') =>
      problems.push({ ...rangeOf(view.state, name), severity, message })
    if (!variable) report(`The operation has no variable $${name}.`, 'warning')
    else if (value !== null || isNonNullType(variable.type))
      coerceInputValue(value, variable.type, (path, _, error) => {
        report(path.length > 0 ? `${[name, ...path].join('.')}: ${error.message}` : error.message)
      })
  }
  for (const [name, { type, hasDefault }] of variables) {
    if (isNonNullType(type) && !hasDefault && !(name in values)) {
      problems.push({
        from: 0,
        to: Math.min(1, text.length),
        severity: 'warning',
        message: `$${name} of type ${String(type)} is missing.`,
      })
    }
  }
  return problems
}

/** Where a variable stands among the top-level properties. */
function rangeOf(state: EditorState, variable: string): { from: number; to: number } {
  const top = syntaxTree(state).topNode.getChild('Object')
  for (const property of top?.getChildren('Property') ?? []) {
    const name = property.getChild('PropertyName')
    if (name && unquote(state.sliceDoc(name.from, name.to)) === variable)
      return { from: property.from, to: property.to }
  }
  return { from: 0, to: Math.min(1, state.doc.length) }
}
