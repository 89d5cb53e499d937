/// The parts of the docs' pages: links to types, and lists of fields, arguments and values.
import {
  astFromValue,
  getNamedType,
  isListType,
  isNonNullType,
  print,
  type GraphQLArgument,
  type GraphQLEnumValue,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLType,
} from 'graphql'
import { Description } from './description'
import type { DocsNavigation } from './navigation'

export function TypeLink({ type, navigation }: { type: GraphQLType; navigation: DocsNavigation }) {
  if (isNonNullType(type))
    return (
      <>
        <TypeLink type={type.ofType} navigation={navigation} />!
      </>
    )
  if (isListType(type))
    return (
      <>
        [<TypeLink type={type.ofType} navigation={navigation} />]
      </>
    )
  const { name } = getNamedType(type)
  return (
    <button type="button" class="docs-type" onClick={() => navigation.go({ kind: 'type', type: name })}>
      {name}
    </button>
  )
}

/** One field in a list: its signature, with a link to its own page. */
export function FieldItem({
  owner,
  field,
  navigation,
}: {
  owner: string
  field: GraphQLField<unknown, unknown> | GraphQLInputField
  navigation: DocsNavigation
}) {
  const args = 'args' in field ? [...field.args] : []
  return (
    <li class="docs-item">
      <div class="docs-signature">
        <button
          type="button"
          class="docs-field"
          onClick={() => navigation.go({ kind: 'field', type: owner, field: field.name })}
        >
          {field.name}
        </button>
        {args.length > 0 && <Arguments args={args} navigation={navigation} />}:{' '}
        <TypeLink type={field.type} navigation={navigation} />
        {!('args' in field) && <Default of={field} />}
      </div>
      <Description text={field.description} />
      <Deprecation reason={field.deprecationReason} />
    </li>
  )
}

function Arguments({ args, navigation }: { args: GraphQLArgument[]; navigation: DocsNavigation }) {
  return (
    <>
      (
      {args.map((argument, place) => (
        <span key={argument.name}>
          {place > 0 && ', '}
          <span class="docs-argument">{argument.name}</span>: <TypeLink type={argument.type} navigation={navigation} />
          <Default of={argument} />
        </span>
      ))}
      )
    </>
  )
}

export function ArgumentItem({ argument, navigation }: { argument: GraphQLArgument; navigation: DocsNavigation }) {
  return (
    <li class="docs-item">
      <div class="docs-signature">
        <span class="docs-argument">{argument.name}</span>: <TypeLink type={argument.type} navigation={navigation} />
        <Default of={argument} />
      </div>
      <Description text={argument.description} />
      <Deprecation reason={argument.deprecationReason} />
    </li>
  )
}

export function ValueItem({ value }: { value: GraphQLEnumValue }) {
  return (
    <li class="docs-item">
      <div class="docs-signature docs-value">{value.name}</div>
      <Description text={value.description} />
      <Deprecation reason={value.deprecationReason} />
    </li>
  )
}

function Default({ of: { defaultValue, type } }: { of: GraphQLArgument | GraphQLInputField }) {
  const node = defaultValue === undefined ? null : astFromValue(defaultValue, type)
  return node ? <span class="docs-default"> = {print(node)}</span> : null
}

export function Deprecation({ reason }: { reason: string | null | undefined }) {
  return reason ? (
    <p class="docs-deprecated">
      <strong>Deprecated.</strong> {reason}
    </p>
  ) : null
}
