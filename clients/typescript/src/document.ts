/** Documents as typed by gql.tada, graphql-codegen or anything else that carries its types in `__apiType`. */
import { print, type DocumentNode } from 'graphql'

/** What carries the types of a document; a `TypedDocumentNode` is one, and so is a `TypedDocumentString`. */
export interface DocumentTypes<TData, TVariables> {
  __apiType?: (variables: TVariables) => TData
}

/** A document: parsed, or as text. Without types its data is `unknown` to be narrowed by whoever asks. */
export type Operation<TData = unknown, TVariables = Record<string, unknown>> =
  | (DocumentNode & DocumentTypes<TData, TVariables>)
  // eslint-disable-next-line @typescript-eslint/no-wrapper-object-types -- what graphql-codegen's string mode extends
  | (String & DocumentTypes<TData, TVariables>)
  | string

const texts = new WeakMap<DocumentNode, string>()

/** The document's text; parsed documents are printed once. */
export function toText(document: Operation<any, any>): string {
  if (!isParsed(document)) return String(document)
  let text = texts.get(document)
  if (text === undefined) texts.set(document, (text = print(document)))
  return text
}

/** Whether the operation declares this variable. */
export function declares(document: Operation<any, any>, variable: string): boolean {
  if (!isParsed(document)) return new RegExp(`\\$${variable}\\s*:`).test(String(document))
  return document.definitions.some(
    (each) =>
      each.kind === 'OperationDefinition' &&
      each.variableDefinitions?.some(({ variable: { name } }) => name.value === variable),
  )
}

function isParsed(document: Operation<any, any>): document is DocumentNode {
  return typeof document === 'object' && 'kind' in document
}
