/// The history: the latest first, once each, bounded, favorites last to go, and without headers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from './load.mjs'
import { emptyStorages } from './storage.mjs'

emptyStorages()
const { History } = await load('history.ts')
const content = (name, headers = '') => ({ query: `query ${name} { viewer { id } }`, variables: '', headers })
const titles = (history) => history.value.map((item) => item.title)

test('what is run again comes first again, once', () => {
  emptyStorages()
  const history = new History()
  for (const [at, name] of ['A', 'B', 'A'].entries()) history.add(content(name), at)
  history.add({ query: '  ', variables: '', headers: '' }, 3)
  assert.deepEqual(titles(history), ['A', 'B'])
  assert.deepEqual(titles(new History()), ['A', 'B'])
})

test('the oldest go first, favorites stay', () => {
  emptyStorages()
  const history = new History()
  history.add(content('Loved'), 0)
  history.toggleFavorite(history.value[0])
  for (let at = 1; at <= 80; at++) history.add(content(`Q${at}`), at)
  assert.equal(history.value.length, 50)
  assert.deepEqual([titles(history)[0], titles(history).at(-2), titles(history).at(-1)], ['Q80', 'Q32', 'Loved'])
  history.clear()
  assert.deepEqual(titles(history), ['Loved'])
  history.remove(history.value[0])
  assert.deepEqual(titles(new History()), [])
})

test('headers are never remembered', () => {
  emptyStorages()
  new History().add(content('Q', '{"Authorization": "Bearer secret"}'), 0)
  assert.ok(!JSON.stringify(globalThis.localStorage).includes('secret'))
})
