/// Adds fields and arguments to the text of an operation, and removes them; the rest of the text stays as it was written.
import {
  Kind,
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type InlineFragmentNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'
import { operationsIn, parseDocument } from '../documents'

/** One level down: into a field, or into `... on Type`. */
export type Step = { field: string } | { on: string }
export type Path = readonly Step[]

/** What is to be added: a field's text with everything below it, and the variables that its arguments take. */
export interface Addition {
  text: string
  variables: readonly Variable[]
}

export interface Variable {
  name: string
  type: string
}

type Selected = FieldNode | InlineFragmentNode

/** The field or inline fragment at a path; a field without an alias is preferred. */
export function findSelection(operation: OperationDefinitionNode, path: Path): Selected | null {
  let set: SelectionSetNode | undefined = operation.selectionSet
  let found: Selected | null = null
  for (const step of path) {
    const candidates: Selected[] = (set?.selections ?? []).filter((each): each is Selected => matches(each, step))
    found = candidates.find((each) => each.kind === Kind.FIELD && !each.alias) ?? candidates[0] ?? null
    set = found?.selectionSet
    if (!found) return null
  }
  return found
}

/** The text with one more selection; `kind` begins an operation where there is none. */
export function addSelection(
  text: string,
  operation: OperationDefinitionNode | null,
  path: Path,
  added: Addition,
  kind = 'query',
): string {
  if (!operation) {
    const begun = `${text.trimEnd()}${text.trim() ? '\n\n' : ''}${kind} {\n${indent(added.text, '  ')}\n}\n`
    const document = parseDocument(begun)
    const operations = document ? operationsIn(document) : []
    return added.variables.length > 0 ? addVariables(begun, operations.at(-1) ?? null, added.variables) : begun
  }
  const parent = path.length === 1 ? operation : findSelection(operation, path.slice(0, -1))
  if (!parent?.loc) return text
  return addVariables(insertInto(text, parent, added.text), operation, added.variables)
}

/** The text without a selection, and without whatever is left with nothing selected. */
export function removeSelection(
  text: string,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  path: Path,
): string {
  let victim: Selected | OperationDefinitionNode | null = findSelection(operation, path)
  if (!victim) return text
  for (let length = path.length - 1; length >= 0; length--) {
    const parent: Selected | OperationDefinitionNode | null =
      length === 0 ? operation : findSelection(operation, path.slice(0, length))
    if (!parent || (parent.selectionSet?.selections.length ?? 0) > 1) break
    victim = parent
  }
  const isAll = victim === operation && document.definitions.length === 1
  if (isAll) return ''
  return withoutUnusedVariables(cutLine(text, victim.loc!.start, victim.loc!.end), operation)
}

/** The text with `argument: $variable` on the field at the path. */
export function addArgument(
  text: string,
  operation: OperationDefinitionNode,
  path: Path,
  argument: string,
  variable: Variable,
): string {
  const field = findSelection(operation, path)
  if (field?.kind !== Kind.FIELD) return text
  const last = field.arguments?.at(-1)
  const written = `${argument}: $${variable.name}`
  const changed = last
    ? insertAt(text, last.loc!.end, `, ${written}`)
    : insertAt(text, field.name.loc!.end, `(${written})`)
  return addVariables(changed, operation, [variable])
}

/** The text without that argument, and without its variable where nothing else uses it. */
export function removeArgument(text: string, operation: OperationDefinitionNode, path: Path, argument: string): string {
  const field = findSelection(operation, path)
  const found = field?.kind === Kind.FIELD ? field.arguments?.find((each) => each.name.value === argument) : undefined
  if (field?.kind !== Kind.FIELD || !found) return text
  return withoutUnusedVariables(cutFromList(text, found, field.arguments!, field.name.loc!.end), operation)
}

/** A name for a new variable that the operation has not yet. */
export function freeVariable(
  operation: OperationDefinitionNode | null,
  field: string,
  argument: string,
  taken: readonly string[] = [],
): string {
  const used = new Set([...(operation?.variableDefinitions ?? []).map((each) => each.variable.name.value), ...taken])
  const longer = field + argument.charAt(0).toUpperCase() + argument.slice(1)
  let name = used.has(argument) ? longer : argument
  for (let number = 2; used.has(name); number++) name = `${longer}${number}`
  return name
}

function matches(selection: SelectionNode, step: Step): boolean {
  if ('field' in step) return selection.kind === Kind.FIELD && selection.name.value === step.field
  return selection.kind === Kind.INLINE_FRAGMENT && selection.typeCondition?.name.value === step.on
}

function insertInto(text: string, parent: Selected | OperationDefinitionNode, added: string): string {
  const set = parent.selectionSet
  const outer = indentationAt(text, set?.loc?.end ?? parent.loc!.end)
  const lines = indent(added, `${outer}  `)
  if (!set?.loc) return insertAt(text, parent.loc!.end, ` {\n${lines}\n${outer}}`)
  const brace = set.loc.end - 1
  return `${text.slice(0, brace).trimEnd()}\n${lines}\n${outer}${text.slice(brace)}`
}

function addVariables(text: string, operation: OperationDefinitionNode | null, variables: readonly Variable[]): string {
  if (variables.length === 0 || !operation?.loc) return text
  const written = variables.map(({ name, type }) => `$${name}: ${type}`).join(', ')
  const last = operation.variableDefinitions?.at(-1)
  if (last?.loc) return insertAt(text, last.loc.end, `, ${written}`)
  if (operation.name?.loc) return insertAt(text, operation.name.loc.end, `(${written})`)
  const { start } = operation.loc
  if (text[start] === '{') return insertAt(text, start, `query (${written}) `)
  return insertAt(text, start + operation.operation.length, ` (${written})`)
}

/** `before` names the variables that the operation had: those that nothing uses any more are taken away. */
function withoutUnusedVariables(text: string, before: OperationDefinitionNode): string {
  const defined = (before.variableDefinitions ?? []).map((each) => each.variable.name.value)
  let changed = text
  for (const name of defined) {
    if (countUses(text, name) > 1 || countUses(before.loc!.source.body, name) < 2) continue
    const document = parseDocument(changed)
    const operation =
      document &&
      operationsIn(document).find((each) => each.variableDefinitions?.some((one) => one.variable.name.value === name))
    const definition = operation?.variableDefinitions?.find((one) => one.variable.name.value === name)
    if (!operation || !definition) continue
    const opening = changed.lastIndexOf('(', operation.variableDefinitions![0]!.loc!.start)
    changed = cutFromList(
      changed,
      definition,
      operation.variableDefinitions!,
      changed.slice(0, opening).trimEnd().length,
    )
  }
  return changed
}

function countUses(text: string, variable: string): number {
  return text.match(new RegExp(`\\$${variable}\\b`, 'g'))?.length ?? 0
}

type Listed = ArgumentNode | NonNullable<OperationDefinitionNode['variableDefinitions']>[number]

/** Cuts one of the things between parentheses; `before` is where the text before the opening parenthesis ends. */
function cutFromList(text: string, item: Listed, all: readonly Listed[], before: number): string {
  if (all.length === 1) return text.slice(0, before) + text.slice(text.indexOf(')', item.loc!.end) + 1)
  const place = all.indexOf(item)
  const next = all[place + 1]
  return next
    ? text.slice(0, item.loc!.start) + text.slice(next.loc!.start)
    : text.slice(0, all[place - 1]!.loc!.end) + text.slice(item.loc!.end)
}

/** Cuts a piece of the text, with its line where nothing else stands in it. */
function cutLine(text: string, start: number, end: number): string {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1
  const nextLine = text.indexOf('\n', end)
  const isAlone =
    text.slice(lineStart, start).trim() === '' &&
    text.slice(end, nextLine === -1 ? text.length : nextLine).trim() === ''
  if (isAlone) return text.slice(0, lineStart) + (nextLine === -1 ? '' : text.slice(nextLine + 1))
  return text.slice(0, start) + text.slice(end).replace(/^[ \t,]+/, '')
}

function insertAt(text: string, offset: number, added: string): string {
  return text.slice(0, offset) + added + text.slice(offset)
}

function indentationAt(text: string, offset: number): string {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1
  return /^[ \t]*/.exec(text.slice(lineStart))![0]
}

function indent(text: string, by: string): string {
  return text
    .split('\n')
    .map((line) => (line ? by + line : line))
    .join('\n')
}
