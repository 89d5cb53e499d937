/// What a GraphQL text holds, as far as the page needs to know: its operations, and how a subscription resumes.
import { Kind, parse, type DocumentNode, type OperationDefinitionNode } from 'graphql'

/** The document, or null while its text has a syntax error. */
export function parseDocument(text: string): DocumentNode | null {
  try {
    return parse(text)
  } catch {
    return null
  }
}

export function operationsIn(document: DocumentNode): OperationDefinitionNode[] {
  return document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION)
}

/** The operation of that name; else the one at the cursor; else the first. */
export function pickOperation(
  document: DocumentNode | null,
  name: string | null,
  cursor: number | null,
): OperationDefinitionNode | null {
  const operations = document ? operationsIn(document) : []
  const named = name === null ? undefined : operations.find((each) => each.name?.value === name)
  const around = (each: OperationDefinitionNode) =>
    cursor !== null && each.loc !== undefined && each.loc.start <= cursor && cursor <= each.loc.end
  return named ?? operations.find(around) ?? operations[0] ?? null
}

/** A label for a text: the name of its first operation, or what it selects. */
export function titleOf(text: string): string {
  const document = parseDocument(text)
  const operation = document && pickOperation(document, null, null)
  if (operation) {
    const [first] = operation.selectionSet.selections
    return operation.name?.value ?? (first?.kind === Kind.FIELD ? first.name.value : operation.operation)
  }
  const [, name] = /^\s*(?:query|mutation|subscription|fragment)\s+(\w+)/m.exec(text) ?? []
  return name ?? (/\w/.test(text.replace(/#.*/g, '')) ? 'Draft' : 'New tab')
}

/** The variable by which a subscription resumes: of a cursor's type, and the `after` argument of the one field. */
export function cursorVariable(operation: OperationDefinitionNode): string | null {
  const [field] = operation.selectionSet.selections
  if (field?.kind !== Kind.FIELD) return null
  const after = field.arguments?.find((argument) => argument.name.value === 'after')
  if (after?.value.kind !== Kind.VARIABLE) return null
  const name = after.value.name.value
  const type = operation.variableDefinitions?.find((each) => each.variable.name.value === name)?.type
  const named = type?.kind === Kind.NON_NULL_TYPE ? type.type : type
  return named?.kind === Kind.NAMED_TYPE && named.name.value.endsWith('Cursor') ? name : null
}

export type Parsed = { ok: true; value: Record<string, unknown> } | { ok: false; problem: string }

/** A JSON object as it is typed into a pane; nothing at all is an empty one. */
export function parseObject(text: string): Parsed {
  if (text.trim() === '') return { ok: true, value: {} }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { ok: true, value: value as Record<string, unknown> }
    }
    return { ok: false, problem: 'must be a JSON object' }
  } catch (error) {
    return { ok: false, problem: `are not valid JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
}

export function toJson(value: unknown): string {
  return JSON.stringify(value, null, 2)
}
