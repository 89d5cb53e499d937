/// The builder: the fields of the graph as a tree of check boxes, which write the operation that is shown.
import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
  type DocumentNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql'
import { parseDocument, pickOperation } from '../documents'
import { byName } from '../docs/search'
import { additionFor } from './addition'
import {
  addArgument,
  addSelection,
  findSelection,
  freeVariable,
  removeArgument,
  removeSelection,
  type Path,
} from './edits'

interface Props {
  schema: GraphQLSchema
  query: string
  cursor: number
  onEdit: (query: string) => void
}

interface TreeProps extends Props {
  document: DocumentNode
  operation: OperationDefinitionNode | null
  kind: string
}

export function Builder(props: Props) {
  const { schema, query, cursor } = props
  const text = query.replace(/#.*/g, '').trim()
  const document = text === '' ? EMPTY : parseDocument(query)
  if (!document) return <p class="panel-note">The operation has a syntax error. Correct it to go on building.</p>
  const operation = pickOperation(document, null, cursor)
  const kinds = operation ? [operation.operation] : (['query', 'mutation', 'subscription'] as const)
  return (
    <div class="builder">
      {operation?.name && (
        <p class="panel-note">
          {operation.operation} {operation.name.value}
        </p>
      )}
      {kinds.map((kind) => {
        const root = schema.getRootType(kind as never)
        if (!root) return null
        return (
          <details key={kind} open={kinds.length === 1 || kind === 'query'}>
            <summary>{root.name}</summary>
            <Fields {...props} type={root} path={[]} document={document} operation={operation} kind={kind} />
          </details>
        )
      })}
    </div>
  )
}

const EMPTY: DocumentNode = { kind: Kind.DOCUMENT, definitions: [] }

function Fields({ type, path, ...props }: TreeProps & { type: GraphQLNamedType; path: Path }) {
  const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : []
  const possible = isAbstractType(type) ? [...props.schema.getPossibleTypes(type)] : []
  return (
    <ul class="builder-fields">
      {fields
        .sort((a, b) => byName(a.name, b.name))
        .map((field) => (
          <Field key={field.name} {...props} field={field} path={[...path, { field: field.name }]} />
        ))}
      {possible
        .sort((a, b) => byName(a.name, b.name))
        .map((each) => (
          <PossibleType key={each.name} {...props} type={each} path={[...path, { on: each.name }]} />
        ))}
    </ul>
  )
}

function Field({ field, path, ...props }: TreeProps & { field: GraphQLField<unknown, unknown>; path: Path }) {
  const { query, document, operation, kind, onEdit } = props
  const selected = operation && findSelection(operation, path)
  const type = getNamedType(field.type)
  const toggle = () =>
    onEdit(
      selected
        ? removeSelection(query, document, operation, path)
        : addSelection(query, operation, path, additionFor(field, operation), kind),
    )
  return (
    <li>
      <label title={field.description ?? undefined}>
        <input type="checkbox" checked={Boolean(selected)} onChange={toggle} />
        <span class="builder-field">{field.name}</span>
      </label>
      {selected && field.args.length > 0 && (
        <ul class="builder-fields">
          {[...field.args]
            .sort((a, b) => byName(a.name, b.name))
            .map((argument) => (
              <Argument
                key={argument.name}
                {...props}
                operation={operation!}
                field={field.name}
                argument={argument}
                path={path}
              />
            ))}
        </ul>
      )}
      {selected && isCompositeType(type) && <Fields {...props} type={type} path={path} />}
    </li>
  )
}

function Argument({
  argument,
  field,
  path,
  query,
  operation,
  onEdit,
}: TreeProps & {
  operation: OperationDefinitionNode
  field: string
  argument: GraphQLArgument
  path: Path
}) {
  const selected = findSelection(operation, path)
  const given = selected?.kind === Kind.FIELD && selected.arguments?.some((each) => each.name.value === argument.name)
  const toggle = () => {
    const variable = { name: freeVariable(operation, field, argument.name), type: String(argument.type) }
    onEdit(
      given
        ? removeArgument(query, operation, path, argument.name)
        : addArgument(query, operation, path, argument.name, variable),
    )
  }
  return (
    <li>
      <label title={argument.description ?? undefined}>
        <input type="checkbox" checked={Boolean(given)} onChange={toggle} />
        <span class="builder-argument">{argument.name}</span>
        <span class="builder-type">: {String(argument.type)}</span>
      </label>
    </li>
  )
}

function PossibleType({ type, path, ...props }: TreeProps & { type: GraphQLObjectType; path: Path }) {
  const { query, document, operation, onEdit } = props
  const selected = operation && findSelection(operation, path)
  const added = { text: `... on ${type.name} {\n  ${'id' in type.getFields() ? 'id' : '__typename'}\n}`, variables: [] }
  const toggle = () =>
    onEdit(selected ? removeSelection(query, document, operation, path) : addSelection(query, operation, path, added))
  return (
    <li>
      <label title={type.description ?? undefined}>
        <input type="checkbox" checked={Boolean(selected)} onChange={toggle} />
        <span class="builder-on">on {type.name}</span>
      </label>
      {selected && <Fields {...props} type={type} path={path} />}
    </li>
  )
}
