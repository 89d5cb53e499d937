// Writes src/schema.ts from the SDL: what a client has to know of the graph at run time. `--check` says whether it is current.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { buildSchema, isAbstractType, isSpecifiedScalarType } from 'graphql'
import { format, resolveConfig } from 'prettier'

const SDL = fileURLToPath(new URL('../../../schema/schema.graphql', import.meta.url))
const TARGET = fileURLToPath(new URL('../src/schema.ts', import.meta.url))
/** What the scalars of the graph are in TypeScript. */
const SCALARS = { JSON: 'unknown' }

const schema = buildSchema(readFileSync(SDL, 'utf8'))
const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'))
const byName = (left, right) => (left < right ? -1 : 1)
const possible = types
  .filter(isAbstractType)
  .map((type) => [
    type.name,
    schema
      .getPossibleTypes(type)
      .map(({ name }) => name)
      .sort(byName),
  ])
  .sort(([left], [right]) => byName(left, right))
const scalars = types
  .filter((type) => type.astNode?.kind === 'ScalarTypeDefinition' && !isSpecifiedScalarType(type))
  .map(({ name }) => name)
  .sort(byName)
const codes = schema
  .getType('ErrorCode')
  .getValues()
  .map(({ name }) => name)

const list = (names) => `[${names.map((name) => `'${name}'`).join(', ')}]`
const written = `/** What a client has to know of the graph at run time. Written by scripts/schema.mjs from schema/schema.graphql. */

/** The scalars of the graph, for \`scalars\` of gql.tada's \`initGraphQLTada\`. */
export interface Scalars {
${scalars.map((name) => `  ${name}: ${SCALARS[name] ?? 'string'}`).join('\n')}
}

/** The same for \`scalars\` of graphql-codegen's configuration. */
export const scalarTypes: Readonly<Record<keyof Scalars, string>> = {
${scalars.map((name) => `  ${name}: '${SCALARS[name] ?? 'string'}',`).join('\n')}
}

/** The types behind interfaces and unions, for Apollo's \`InMemoryCache\`. */
export const possibleTypes: Readonly<Record<${possible.map(([name]) => `'${name}'`).join(' | ')}, string[]>> = {
${possible.map(([name, members]) => `  ${name}: ${list(members)},`).join('\n')}
}

/** Codes of errors. */
export const errorCodes = [
${codes.map((name) => `  '${name}',`).join('\n')}
] as const satisfies readonly string[]

export type ErrorCode =
${codes.map((name) => `  | '${name}'`).join('\n')}
`
const text = await format(written, { ...(await resolveConfig(TARGET)), parser: 'typescript' })
if (process.argv.includes('--check')) {
  if (readFileSync(TARGET, 'utf8') !== text) {
    console.error('src/schema.ts is not what schema/schema.graphql says: npm run schema')
    process.exit(1)
  }
} else {
  writeFileSync(TARGET, text)
}
