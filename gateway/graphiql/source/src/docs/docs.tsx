/// The schema's documentation: an introduction, every type with its members by name, and a search.
import {
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql'
import { useEffect, useRef, useState } from 'preact/hooks'
import { useStore } from '../store'
import { Description } from './description'
import { INTRODUCTION, STARTING_POINTS } from './introduction'
import type { DocsNavigation, DocsPage } from './navigation'
import { byName, search } from './search'
import { ArgumentItem, Deprecation, FieldItem, TypeLink, ValueItem } from './types'

interface Props {
  schema: GraphQLSchema
  navigation: DocsNavigation
}

export function Docs({ schema, navigation }: Props) {
  const pages = useStore(navigation)
  const page = pages.at(-1)!
  const previous = pages.at(-2)
  const content = useRef<HTMLDivElement>(null)
  useEffect(() => {
    content.current?.scrollTo(0, 0)
  }, [page])
  return (
    <>
      {previous && (
        <button type="button" class="docs-back" onClick={() => navigation.back()}>
          ‹ {nameOf(previous)}
        </button>
      )}
      <Search schema={schema} navigation={navigation} within={page.kind === 'root' ? null : page.type} />
      <div
        class="docs-content"
        ref={content}
        tabIndex={0}
        role="region"
        aria-label={`Documentation of ${nameOf(page)}`}
      >
        <Page page={page} schema={schema} navigation={navigation} />
      </div>
    </>
  )
}

function nameOf(page: DocsPage): string {
  if (page.kind === 'root') return 'The graph'
  return page.kind === 'type' ? page.type : `${page.type}.${page.field}`
}

function Page({ page, schema, navigation }: Props & { page: DocsPage }) {
  if (page.kind === 'root') return <RootPage schema={schema} navigation={navigation} />
  const type = schema.getType(page.type)
  if (!type) return <p>The schema has no type {page.type} any more.</p>
  if (page.kind === 'type') return <TypePage type={type} schema={schema} navigation={navigation} />
  return <FieldPage type={type} field={page.field} navigation={navigation} />
}

function RootPage({ schema, navigation }: Props) {
  const types = Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith('__'))
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].filter((type) => !!type)
  const others = types.filter((type) => !roots.some((root) => root === type))
  const begin = STARTING_POINTS.filter(({ type, field }) => {
    const found = schema.getType(type)
    return isObjectType(found) && field in found.getFields()
  })
  return (
    <>
      <h2>The graph</h2>
      <Description text={schema.description} />
      {INTRODUCTION.map((paragraph) => (
        <Description key={paragraph} text={paragraph} />
      ))}
      <Section title="Start here">
        {begin.map(({ label, type, field }) => (
          <li key={label} class="docs-item docs-start">
            <span>{label}</span>
            <button type="button" class="docs-field" onClick={() => navigation.go({ kind: 'field', type, field })}>
              {field}
            </button>
          </li>
        ))}
      </Section>
      <Section title="Root types">
        {roots.map((type) => (
          <TypeItem key={type.name} type={type} navigation={navigation} />
        ))}
      </Section>
      {GROUPS.map(([title, belongs]) => (
        <Section key={title} title={title}>
          {others
            .filter(belongs)
            .sort((a, b) => byName(a.name, b.name))
            .map((type) => (
              <TypeItem key={type.name} type={type} navigation={navigation} />
            ))}
        </Section>
      ))}
    </>
  )
}

const GROUPS: readonly [string, (type: GraphQLNamedType) => boolean][] = [
  ['Objects', (type) => isObjectType(type) && !/(Connection|Edge|Payload)$/.test(type.name)],
  ['Interfaces and unions', isAbstractType],
  ['Enums', isEnumType],
  ['Inputs', isInputObjectType],
  ['Payloads of mutations', (type) => isObjectType(type) && type.name.endsWith('Payload')],
  ['Connections', (type) => isObjectType(type) && /(Connection|Edge)$/.test(type.name)],
  ['Scalars', isScalarType],
]

function TypeItem({ type, navigation }: { type: GraphQLNamedType; navigation: DocsNavigation }) {
  return (
    <li class="docs-item docs-type-item">
      <TypeLink type={type} navigation={navigation} />
    </li>
  )
}

function TypePage({ type, schema, navigation }: Props & { type: GraphQLNamedType }) {
  const interfaces = isObjectType(type) || isInterfaceType(type) ? type.getInterfaces() : []
  const fields = 'getFields' in type ? Object.values(type.getFields()) : []
  const possible = isAbstractType(type) ? [...schema.getPossibleTypes(type)] : []
  return (
    <>
      <h2>
        {type.name} <span class="docs-kind">{kindOf(type)}</span>
      </h2>
      <Description text={type.description} />
      <Section title="Implements">
        {[...interfaces]
          .sort((a, b) => byName(a.name, b.name))
          .map((each) => (
            <TypeItem key={each.name} type={each} navigation={navigation} />
          ))}
      </Section>
      <Section title={isInputObjectType(type) ? 'Input fields' : 'Fields'}>
        {fields
          .sort((a, b) => byName(a.name, b.name))
          .map((field) => (
            <FieldItem key={field.name} owner={type.name} field={field} navigation={navigation} />
          ))}
      </Section>
      <Section title="Values">
        {isEnumType(type) && type.getValues().map((value) => <ValueItem key={value.name} value={value} />)}
      </Section>
      <Section title="Possible types">
        {possible
          .sort((a, b) => byName(a.name, b.name))
          .map((each) => (
            <TypeItem key={each.name} type={each} navigation={navigation} />
          ))}
      </Section>
    </>
  )
}

function kindOf(type: GraphQLNamedType): string {
  if (isObjectType(type)) return 'object'
  if (isInterfaceType(type)) return 'interface'
  if (isEnumType(type)) return 'enum'
  if (isInputObjectType(type)) return 'input'
  return isScalarType(type) ? 'scalar' : 'union'
}

function FieldPage({
  type,
  field: name,
  navigation,
}: {
  type: GraphQLNamedType
  field: string
  navigation: DocsNavigation
}) {
  const value = isEnumType(type) ? type.getValue(name) : undefined
  if (value)
    return (
      <ul class="docs-list">
        <ValueItem value={value} />
      </ul>
    )
  const field = 'getFields' in type ? type.getFields()[name] : undefined
  if (!field)
    return (
      <p>
        {type.name} has no field {name} any more.
      </p>
    )
  const args = 'args' in field ? [...field.args] : []
  return (
    <>
      <h2>
        {name}{' '}
        <span class="docs-kind">
          field of <TypeLink type={type} navigation={navigation} />
        </span>
      </h2>
      <Description text={field.description} />
      <Deprecation reason={field.deprecationReason} />
      <Section title="Type">
        <li class="docs-item docs-signature">
          <TypeLink type={field.type} navigation={navigation} />
        </li>
      </Section>
      <Section title="Arguments">
        {args
          .sort((a, b) => byName(a.name, b.name))
          .map((argument) => (
            <ArgumentItem key={argument.name} argument={argument} navigation={navigation} />
          ))}
      </Section>
    </>
  )
}

/** Nothing at all where nothing belongs to it. */
function Section({ title, children }: { title: string; children: preact.ComponentChildren }) {
  const isEmpty = !children || (Array.isArray(children) && children.length === 0)
  if (isEmpty) return null
  return (
    <section class="docs-section">
      <h3>{title}</h3>
      <ul class="docs-list">{children}</ul>
    </section>
  )
}

function Search({ schema, navigation, within }: Props & { within: string | null }) {
  const [words, setWords] = useState('')
  const list = useRef<HTMLUListElement>(null)
  const found = search(schema, words, within)
  const go = (page: DocsPage) => {
    setWords('')
    navigation.go(page)
  }
  return (
    <search class="docs-search">
      <input
        type="search"
        placeholder="Search types and fields"
        aria-label="Search types and fields"
        value={words}
        onInput={(event) => setWords(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') setWords('')
          if (event.key === 'Enter' && found[0]) go(found[0].page)
          if (event.key === 'ArrowDown') list.current?.querySelector('button')?.focus()
        }}
      />
      {words.trim() !== '' && (
        <ul class="docs-matches" ref={list} aria-label="Matches">
          {found.map(({ label, page }) => (
            <li key={label}>
              <button type="button" onClick={() => go(page)} onKeyDown={moveFocus}>
                {label}
              </button>
            </li>
          ))}
          {found.length === 0 && <li class="docs-none">No type or field has this name.</li>}
        </ul>
      )}
    </search>
  )
}

function moveFocus(event: KeyboardEvent): void {
  const item = (event.currentTarget as HTMLElement).parentElement
  const next =
    event.key === 'ArrowDown' ? item?.nextElementSibling : event.key === 'ArrowUp' ? item?.previousElementSibling : null
  if (!next) return
  event.preventDefault()
  next.querySelector('button')?.focus()
}
