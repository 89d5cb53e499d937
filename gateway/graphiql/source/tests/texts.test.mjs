/// What the page makes of texts: titles of tabs, lines about events, places in the docs.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { buildSchema, parse } from 'graphql'
import { load } from './load.mjs'

const { cursorVariable, parseObject, pickOperation, titleOf } = await load('documents.ts')
const { summarize } = await load('runs/summary.ts')
const { cursorOf, pauseAfter } = await load('runs/stream.ts')
const { byName, search } = await load('docs/search.ts')
const { STARTING_POINTS } = await load('docs/introduction.ts')
const { followVariables } = await load('builder/variables.ts')
const schema = buildSchema(readFileSync(new URL('../../../../schema/schema.graphql', import.meta.url), 'utf8'))

test('a tab is called after what is in it', () => {
  for (const [text, title] of [
    ['', 'New tab'],
    ['# a comment only', 'New tab'],
    ['query Board { viewer { id } }', 'Board'],
    ['{ viewer { id } }', 'viewer'],
    ['{ me: viewer { id } }', 'viewer'],
    ['mutation { taskMove { cursor } }', 'taskMove'],
    ['query Broken {', 'Broken'],
    ['{ viewer {', 'Draft'],
    ['fragment F on User { id }\nquery Q { viewer { ...F } }', 'Q'],
    ['query { ...F } fragment F on Query { viewer { id } }', 'query'],
  ]) {
    assert.equal(titleOf(text), title, text)
  }
})

test('the operation that runs is the named one, or the one at the cursor, or the first', () => {
  const text = 'query A { a } query B { b } fragment F on Query { c }'
  const picked = (name, cursor) => pickOperation(parse(text), name, cursor)?.name.value
  assert.deepEqual(
    [picked('B', 0), picked(null, 3), picked(null, 20), picked(null, 40), picked('C', 20)],
    ['B', 'A', 'B', 'A', 'B'],
  )
  assert.equal(pickOperation(parse('fragment F on Query { c }'), null, 0), null)
})

test('a subscription resumes by the variable of its `after`, whatever that is called', () => {
  const variable = (text) => cursorVariable(parse(text).definitions[0])
  assert.equal(variable('subscription ($after: SyncCursor) { changes(after: $after) { cursor } }'), 'after')
  assert.equal(variable('subscription ($from: SyncCursor) { changes(after: $from) { cursor } }'), 'from')
  assert.equal(variable('subscription { changes(after: "x") { cursor } }'), null)
  assert.equal(variable('subscription ($after: SyncCursor!) { changes(after: $after) { cursor } }'), 'after')
  assert.equal(variable('subscription ($after: ID!) { taskChanged(id: $after) { cursor } }'), null)
  assert.equal(variable('subscription ($after: Int) { documentCollaboration(after: $after) { __typename } }'), null)
  assert.equal(cursorOf({ data: { changes: { cursor: 'c1' } } }), 'c1')
  assert.equal(cursorOf({ data: { alias: { kind: 'MOVED' } } }), null)
  assert.equal(cursorOf({ data: null }), null)
})

test('variables are an object of JSON or a problem in words', () => {
  assert.deepEqual(parseObject('  '), { ok: true, value: {} })
  assert.deepEqual(parseObject('{"a": [1]}'), { ok: true, value: { a: [1] } })
  for (const text of ['[]', 'null', '"a"', '1'])
    assert.deepEqual(parseObject(text), { ok: false, problem: 'must be a JSON object' })
  assert.match(parseObject('{').problem, /^are not valid JSON: /)
})

test('an event is told in one line', () => {
  const change = (event) => summarize({ data: { changes: event } })
  const moved = {
    kind: 'MOVED',
    type: 'Task',
    entity: { __typename: 'Task', key: 'ENG-1', title: 'Ship it', status: 'DONE' },
    fields: [{ field: 'status', before: 'TODO', after: 'DONE' }],
    actor: { displayName: 'Ada' },
  }
  assert.equal(change(moved), 'MOVED · Task · ENG-1 Ship it · status: TODO → DONE · Ada')
  assert.equal(change({ kind: 'DELETED', type: 'Comment', entity: null, fields: [], actor: null }), 'DELETED · Comment')
  assert.equal(
    change({ ...moved, fields: [{ field: 'assignee', before: null, after: { id: 'a' } }] }),
    'MOVED · Task · ENG-1 Ship it · assignee: none → {"id":"a"} · Ada',
  )
  for (const field of [{ field: 'rank' }, { field: 'rank', before: null, after: null }]) {
    assert.equal(change({ ...moved, fields: [field] }), 'MOVED · Task · ENG-1 Ship it · rank · Ada')
  }
  assert.equal(
    summarize({ data: { presence: { user: { displayName: 'Ada' }, at: 1, tags: ['a', 'b'] } } }),
    'Ada · at: 1 · tags: 2',
  )
  assert.equal(summarize({ data: { ticks: 7 } }), '7')
  assert.equal(summarize({ data: { ticks: null } }), 'null')
  assert.equal(summarize({ data: {} }), 'null')
  assert.equal(summarize({ errors: [{ message: 'One.' }, { message: 'Two.' }] }), 'One. Two.')
})

test('a long line is cut between characters as people see them', () => {
  const family = '👩‍👩‍👧‍👦'
  for (let filler = 0; filler < family.length + 2; filler++) {
    const line = summarize({ data: { note: 'a'.repeat(140 + filler) + family.repeat(6) } })
    assert.ok(line.length <= 160)
    assert.match(line, /^"a+(👩‍👩‍👧‍👦)*…$/u)
  }
})

test('pauses between tries grow, stay within a bound, and differ', () => {
  for (let losses = 0; losses < 60; losses++) {
    const [least, most] = [pauseAfter(losses, () => 0), pauseAfter(losses, () => 0.999)]
    assert.ok(least >= 250 && most <= 15_000 && least < most, `${losses}: ${least} to ${most}`)
  }
  assert.ok(pauseAfter(5, () => 0.5) > pauseAfter(0, () => 0.5) * 20)
})

test('every starting point of the introduction is in the graph', () => {
  for (const { type, field } of STARTING_POINTS) assert.ok(schema.getType(type)?.getFields()[field], `${type}.${field}`)
})

test('the search shows what is meant first', () => {
  const found = (words, within = null) => search(schema, words, within).map(({ label }) => label)
  assert.equal(found('Task')[0], 'Task')
  assert.equal(found('taskMove')[0], 'TaskMoveInput')
  assert.ok(found('taskMove').includes('Mutation.taskMove'))
  assert.equal(found('title', 'Task')[0], 'Task.title')
  assert.deepEqual(found('Task.title'), ['Task.title'])
  assert.deepEqual(found('  '), [])
  assert.deepEqual(found('nothing is called that'), [])
  assert.ok(found('clientMutationId').some((label) => label.includes('.clientMutationId')))
})

test('names are sorted as in a dictionary', () => {
  assert.deepEqual(['b', 'B', 'a', 'Z', 'ab', 'A'].sort(byName), ['A', 'a', 'ab', 'B', 'b', 'Z'])
})

test('the variables follow what the builder does, and keep the values that are there', () => {
  const before = 'query Q($a: Int) { tasks(first: $a) { totalCount } }'
  const after = 'query Q($a: Int, $b: ID!) { tasks(first: $a) { totalCount } task(id: $b) { id } }'
  assert.equal(followVariables('{"a": 5}', before, after), '{\n  "a": 5,\n  "b": null\n}')
  assert.equal(followVariables('{"a": 5, "b": "x"}', after, before), '{\n  "a": 5\n}')
  assert.equal(followVariables('{"a": 5}', before, ''), '')
  assert.equal(followVariables('{"a": 5', before, after), '{"a": 5')
  assert.equal(followVariables('{"a": 5}', before, 'query {'), '{"a": 5}')
})
