/// Merging fragments keeps what an operation asks for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildSchema, parse, print } from 'graphql'
import { load } from './load.mjs'

const { mergeFragments } = await load('tools/fragments.ts')
const schema = buildSchema(
  'interface Node { id: ID } type A implements Node { id: ID b: A c: Int } type Query { a: A node: Node }',
)
const merged = (text) => mergeFragments(parse(text), schema)

test('a fragment on the same type disappears, one on another type becomes an inline fragment', () => {
  assert.equal(
    merged('query Q { a { ...F c } node { ...F } } fragment F on A { id b { ...G } } fragment G on A { c }'),
    print(parse('query Q { a { id b { c } c } node { ... on A { id b { c } } } }')),
  )
})

test('a spread with a directive keeps it', () => {
  assert.equal(
    merged('query Q($x: Boolean!) { a { ...F @include(if: $x) } } fragment F on A { id }'),
    print(parse('query Q($x: Boolean!) { a { ... on A @include(if: $x) { id } } }')),
  )
})

test('a selection that comes twice is written once', () => {
  assert.equal(merged('{ a { id ...F } } fragment F on A { id c }'), print(parse('{ a { id c } }')))
})

test('circles and endless growth are refused', () => {
  assert.throws(() => merged('{ a { ...F } } fragment F on A { b { ...F } }'), /Fragment F spreads itself/)
  const doubling = Array.from(
    { length: 20 },
    (_, n) => `fragment F${n} on A { x: b { ...F${n + 1} } y: b { ...F${n + 1} } }`,
  )
  assert.throws(() => merged(`{ a { ...F0 } } ${doubling.join(' ')} fragment F20 on A { id }`), /too often/)
})
