/// Puts the fragments of a document in the places where they are spread.
import {
  Kind,
  print,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql'

/** Fragments that spread each other twice each grow beyond any screen. */
const MAX_SPREADS = 2000

/** The document's operations without fragments; throws where fragments spread each other in a circle, or too often. */
export function mergeFragments(document: DocumentNode, schema: GraphQLSchema): string {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const each of document.definitions)
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each)
  const operations = document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION)
  let spreads = 0

  function expand(set: SelectionSetNode, above: readonly string[]): SelectionSetNode {
    return { ...set, selections: set.selections.map((each) => expandOne(each, above)) }
  }

  function expandOne(selection: SelectionNode, above: readonly string[]): SelectionNode {
    if (selection.kind !== Kind.FRAGMENT_SPREAD) {
      return selection.selectionSet ? { ...selection, selectionSet: expand(selection.selectionSet, above) } : selection
    }
    const name = selection.name.value
    const found = fragments.get(name)
    if (!found) return selection
    if (above.includes(name)) throw new Error(`Fragment ${name} spreads itself.`)
    if (++spreads > MAX_SPREADS) throw new Error('The fragments are spread too often to be merged.')
    const { typeCondition, selectionSet } = found
    return {
      kind: Kind.INLINE_FRAGMENT,
      typeCondition,
      directives: selection.directives,
      selectionSet: expand(selectionSet, [...above, name]),
    }
  }

  const expanded = {
    ...document,
    definitions: operations.map((each) => ({ ...each, selectionSet: expand(each.selectionSet, []) })),
  }
  return print(flattened(expanded, schema))
}

/** Without inline fragments on the very type that they stand in, and without repeated selections. */
function flattened(document: DocumentNode, schema: GraphQLSchema): DocumentNode {
  const types = new TypeInfo(schema)
  const lift = (set: SelectionSetNode, parent: string | undefined): SelectionNode[] =>
    set.selections.flatMap((each) => {
      const isSame =
        each.kind === Kind.INLINE_FRAGMENT &&
        !each.directives?.length &&
        (each.typeCondition?.name.value ?? parent) === parent
      return isSame ? lift(each.selectionSet, parent) : [each]
    })
  return visit(
    document,
    visitWithTypeInfo(types, {
      SelectionSet: {
        enter: (set) => ({ ...set, selections: lift(set, types.getParentType()?.name) }),
        leave: (set) => {
          const unique = new Map(set.selections.map((each) => [print(each), each]))
          return { ...set, selections: [...unique.values()] }
        },
      },
    }),
  )
}
