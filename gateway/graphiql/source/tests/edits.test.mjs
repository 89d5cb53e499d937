/// The builder's edits: what was written stays, what is added is valid, and what is added and removed again leaves no trace.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { buildSchema, parse, validate } from 'graphql'
import { load } from './load.mjs'

const { addArgument, addSelection, findSelection, freeVariable, removeArgument, removeSelection } =
  await load('builder/edits.ts')
const { additionFor } = await load('builder/addition.ts')
const schema = buildSchema(readFileSync(new URL('../../../../schema/schema.graphql', import.meta.url), 'utf8'))

const operationOf = (text) => parse(text).definitions.find((each) => each.kind === 'OperationDefinition') ?? null
const field = (name) => ({ text: name, variables: [] })

test('a field is added below the others, comments and format stay', () => {
  const text = '# The viewer\nquery Me {\n  viewer { # who\n    id\n  }\n}\n'
  assert.equal(
    addSelection(text, operationOf(text), [{ field: 'viewer' }, { field: 'email' }], field('email')),
    '# The viewer\nquery Me {\n  viewer { # who\n    id\n    email\n  }\n}\n',
  )
})

test('a field without a selection gets one', () => {
  const text = '{ viewer }'
  assert.equal(
    addSelection(text, operationOf(text), [{ field: 'viewer' }, { field: 'id' }], field('id')),
    '{ viewer {\n  id\n} }',
  )
})

test('the last selection takes what is empty with it', () => {
  const text = 'query Me {\n  viewer {\n    account {\n      email\n    }\n  }\n  server {\n    version\n  }\n}\n'
  const path = [{ field: 'viewer' }, { field: 'account' }, { field: 'email' }]
  assert.equal(
    removeSelection(text, parse(text), operationOf(text), path),
    'query Me {\n  server {\n    version\n  }\n}\n',
  )
})

test('an argument comes as a variable and goes with it', () => {
  const text = 'query Board {\n  tasks {\n    nodes {\n      id\n    }\n  }\n}\n'
  const first = addArgument(text, operationOf(text), [{ field: 'tasks' }], 'first', { name: 'first', type: 'Int' })
  assert.match(first, /^query Board\(\$first: Int\) \{\n {2}tasks\(first: \$first\) \{/)
  const both = addArgument(first, operationOf(first), [{ field: 'tasks' }], 'after', { name: 'after', type: 'String' })
  assert.match(both, /^query Board\(\$first: Int, \$after: String\) \{\n {2}tasks\(first: \$first, after: \$after\) \{/)
  const one = removeArgument(both, operationOf(both), [{ field: 'tasks' }], 'first')
  assert.match(one, /^query Board\(\$after: String\) \{\n {2}tasks\(after: \$after\) \{/)
  assert.equal(removeArgument(one, operationOf(one), [{ field: 'tasks' }], 'after'), text)
})

test('a variable that something else uses stays', () => {
  const text =
    'query Q($n: Int) {\n  tasks(first: $n) {\n    totalCount\n  }\n  projects(first: $n) {\n    totalCount\n  }\n}\n'
  const without = removeSelection(text, parse(text), operationOf(text), [{ field: 'tasks' }])
  assert.equal(without, 'query Q($n: Int) {\n  projects(first: $n) {\n    totalCount\n  }\n}\n')
})

test('a new variable never takes the name of another', () => {
  const operation = operationOf('query Q($id: ID!, $taskId: ID!) { __typename }')
  assert.equal(freeVariable(operation, 'task', 'id'), 'taskId2')
  assert.equal(freeVariable(operation, 'project', 'id'), 'projectId')
  assert.equal(freeVariable(operation, 'tasks', 'first'), 'first')
})

for (const kind of ['query', 'mutation', 'subscription']) {
  const root = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  }[kind]
  test(`every field of ${root.name} can be added to nothing, and removed again`, () => {
    for (const each of Object.values(root.getFields())) {
      const text = addSelection('', null, [{ field: each.name }], additionFor(each, null), kind)
      assert.deepEqual(validate(schema, parse(text)).map(String), [], text)
      const operation = operationOf(text)
      assert.ok(findSelection(operation, [{ field: each.name }]), text)
      assert.equal(removeSelection(text, parse(text), operation, [{ field: each.name }]), '')
    }
  })
}

test('fields of the graph are added one below another, and each that is removed leaves the others as they were', () => {
  for (const type of [schema.getType('Task'), schema.getType('Project'), schema.getType('Document')]) {
    const root = `${type.name[0].toLowerCase()}${type.name.slice(1)}`
    const start = `query Q($id: ID!) {\n  ${root}(id: $id) {\n    __typename\n  }\n}\n`
    for (const each of Object.values(type.getFields())) {
      const path = [{ field: root }, { field: each.name }]
      const added = addSelection(start, operationOf(start), path, additionFor(each, operationOf(start)))
      assert.deepEqual(validate(schema, parse(added)).map(String), [], added)
      assert.equal(removeSelection(added, parse(added), operationOf(added), path), start)
    }
  }
})
