/// What the builder writes for a field: its required arguments as variables, and a few telling fields of what it gives.
import {
  getNamedType,
  isAbstractType,
  isLeafType,
  isObjectType,
  isInterfaceType,
  isRequiredArgument,
  type GraphQLField,
  type GraphQLOutputType,
  type OperationDefinitionNode,
} from 'graphql'
import { freeVariable, type Addition, type Variable } from './edits'

/** Fields that say what something is, in the order in which they are written. */
const TELLING = ['id', 'key', 'name', 'title', 'displayName', 'code', 'message', 'cursor']
const DEEPEST = 3

export function additionFor(
  field: GraphQLField<unknown, unknown>,
  operation: OperationDefinitionNode | null,
): Addition {
  const variables: Variable[] = []
  return { text: write(field, operation, variables, 0), variables }
}

function write(
  field: GraphQLField<unknown, unknown>,
  operation: OperationDefinitionNode | null,
  variables: Variable[],
  depth: number,
): string {
  const written = field.args.filter(isRequiredArgument).map((argument) => {
    const taken = variables.map((each) => each.name)
    const name = freeVariable(operation, field.name, argument.name, taken)
    variables.push({ name, type: String(argument.type) })
    return `${argument.name}: $${name}`
  })
  const called = written.length > 0 ? `${field.name}(${written.join(', ')})` : field.name
  const below = selection(field.type, depth, (inner) => write(inner, operation, variables, depth + 1))
  return below === null ? called : `${called} {\n${below.replace(/^/gm, '  ')}\n}`
}

/** What is selected of a type at first; null where it takes no selection. */
function selection(
  type: GraphQLOutputType,
  depth: number,
  writeField: (field: GraphQLField<unknown, unknown>) => string,
): string | null {
  const named = getNamedType(type)
  if (isLeafType(named)) return null
  if (!isObjectType(named) && !isInterfaceType(named)) return '__typename'
  const fields = named.getFields()
  const free = Object.values(fields).filter((field) => !field.args.some(isRequiredArgument))
  const lines = isAbstractType(named) ? ['__typename'] : []
  const below = ['nodes', 'task', 'document', 'project', 'team', 'user', 'errors'].filter((name) => name in fields)
  if (depth < DEEPEST && (fields.nodes || fields.errors)) {
    for (const name of below) if (free.includes(fields[name]!)) lines.push(writeField(fields[name]!))
  }
  for (const name of TELLING)
    if (fields[name] && free.includes(fields[name]) && isLeafType(getNamedType(fields[name].type))) lines.push(name)
  if (lines.length === 0)
    lines.push(
      ...free
        .filter((field) => isLeafType(getNamedType(field.type)))
        .slice(0, 3)
        .map((field) => field.name),
    )
  return (lines.length > 0 ? lines : ['__typename']).join('\n')
}
