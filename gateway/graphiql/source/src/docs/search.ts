/// Finds types and fields of the schema by name.
import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql'
import type { DocsPage } from './navigation'

export interface Match {
  label: string
  page: DocsPage
}

const MOST = 60

/**
 * Matches in the type that is shown come first, then types, then fields; within each, names that begin with the words come
 * before others.
 */
export function search(schema: GraphQLSchema, words: string, within: string | null): Match[] {
  const wanted = words.trim().toLowerCase()
  if (wanted === '') return []
  const here: Match[] = []
  const types: Match[] = []
  const fields: Match[] = []
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue
    if (type.name.toLowerCase().includes(wanted))
      types.push({ label: type.name, page: { kind: 'type', type: type.name } })
    for (const { name, args } of membersOf(type)) {
      const label = `${type.name}.${name}`
      const page: DocsPage = { kind: 'field', type: type.name, field: name }
      const argument = args.find((each) => each.toLowerCase().includes(wanted))
      if (name.toLowerCase().includes(wanted) || (wanted.includes('.') && label.toLowerCase().includes(wanted))) {
        ;(type.name === within ? here : fields).push({ label, page })
      } else if (argument) {
        ;(type.name === within ? here : fields).push({ label: `${label}(${argument}:)`, page })
      }
    }
  }
  return [here, types, fields].flatMap((group) => sorted(group, wanted)).slice(0, MOST)
}

function membersOf(type: GraphQLNamedType): { name: string; args: string[] }[] {
  if (isObjectType(type) || isInterfaceType(type)) {
    return Object.values(type.getFields()).map(({ name, args }) => ({ name, args: args.map((each) => each.name) }))
  }
  if (isInputObjectType(type)) return Object.keys(type.getFields()).map((name) => ({ name, args: [] }))
  if (isEnumType(type)) return type.getValues().map(({ name }) => ({ name, args: [] }))
  return []
}

function sorted(matches: Match[], wanted: string): Match[] {
  const rank = ({ label }: Match) => (label.split('.').at(-1)!.toLowerCase().startsWith(wanted) ? 0 : 1)
  return matches.sort((a, b) => rank(a) - rank(b) || byName(a.label, b.label))
}

/** The order of names in the docs: as in a dictionary, the same in every browser. */
export function byName(a: string, b: string): number {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()]
  return x < y ? -1 : x > y ? 1 : a < b ? -1 : a > b ? 1 : 0
}
