/// Tabs after any sequence of actions, and after a reload.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from './load.mjs'
import { emptyStorages, openWindow } from './storage.mjs'

emptyStorages()
const { Tabs, MAX_TABS, activeTab, isTabsState } = await load('tabs/tabs.ts')
const { EXAMPLES } = await load('examples.ts')

const EXAMPLE_TITLES = ['board', 'move-task', 'changes', 'task-changes', 'undo', 'import', 'report', 'webhook']
const names = (tabs) => tabs.value.tabs.map((tab) => tab.example)

/** Numbers between 0 and 1 that are the same in every run. */
function numbers(seed) {
  return () => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31
}

function act(tabs, random) {
  const { tabs: all } = tabs.value
  const { id } = all[Math.floor(random() * all.length)]
  const text = `query Q${Math.floor(random() * 1e6)} { viewer { id } } # ${['é', '👩‍👩‍👧', '"', '\\', '\u2028'][Math.floor(random() * 5)]}`
  const actions = [
    () => tabs.open(random() < 0.5 ? {} : { query: text, variables: '{"a": 1}' }),
    () => tabs.close(id),
    () => tabs.show(id),
    () => tabs.edit(id, { query: text }),
    () => tabs.edit(id, { variables: text, filled: null }),
    () => tabs.show('no such tab'),
    () => tabs.close('no such tab'),
  ]
  actions[Math.floor(random() * actions.length)]()
}

test('the first visit shows the examples', () => {
  emptyStorages()
  const tabs = new Tabs(EXAMPLES, () => false)
  assert.deepEqual(names(tabs), EXAMPLE_TITLES)
  assert.equal(tabs.active.example, 'board')
})

test('whatever is done, a reload shows the same tabs, and so does a new window', () => {
  for (let seed = 1; seed <= 40; seed++) {
    emptyStorages()
    const random = numbers(seed)
    let tabs = new Tabs(EXAMPLES, () => true)
    for (let step = 0; step < 60; step++) {
      act(tabs, random)
      assert.ok(isTabsState(tabs.value), `seed ${seed}, step ${step}`)
      assert.ok(tabs.value.tabs.length <= MAX_TABS)
      if (random() < 0.15) {
        tabs.save()
        const before = tabs.value
        if (random() < 0.5) openWindow()
        tabs = new Tabs(EXAMPLES, () => true)
        assert.deepEqual(tabs.value, before)
      }
    }
    tabs.save()
  }
})

test('two windows keep their own tabs when they are reloaded', () => {
  emptyStorages()
  const first = new Tabs(EXAMPLES, () => true)
  first.open({ query: '{ first }' })
  first.save()
  const firstSession = globalThis.sessionStorage
  openWindow()
  const second = new Tabs(EXAMPLES, () => true)
  second.open({ query: '{ second }' })
  second.save()
  assert.deepEqual(new Tabs(EXAMPLES, () => true).value, second.value)
  globalThis.sessionStorage = firstSession
  assert.deepEqual(new Tabs(EXAMPLES, () => true).value, first.value)
})

test('headers are remembered only where that is wanted', () => {
  for (const wanted of [true, false]) {
    emptyStorages()
    const tabs = new Tabs(EXAMPLES, () => wanted)
    tabs.edit(tabs.active.id, { headers: '{"Authorization": "Bearer xyzzy"}' })
    tabs.save()
    assert.equal(JSON.stringify(globalThis.localStorage).includes('xyzzy'), wanted)
    assert.equal(new Tabs(EXAMPLES, () => wanted).active.headers !== '', wanted)
  }
})

test('what is remembered but unusable makes a first visit', () => {
  const usable = { id: 'a', query: '', variables: '', headers: '', example: null, filled: null }
  for (const stored of [
    'not JSON',
    'null',
    '[]',
    '{}',
    '{"tabs": [], "active": "a"}',
    JSON.stringify({ tabs: [usable], active: 'b' }),
    JSON.stringify({ tabs: [usable, usable], active: 'a' }),
    JSON.stringify({ tabs: [{ ...usable, query: 1 }], active: 'a' }),
    JSON.stringify({ tabs: Array.from({ length: MAX_TABS + 1 }, (_, n) => ({ ...usable, id: `${n}` })), active: '0' }),
  ]) {
    emptyStorages()
    globalThis.localStorage.setItem('pantherahive:graphiql:tabs', stored)
    assert.deepEqual(names(new Tabs(EXAMPLES, () => false)), EXAMPLE_TITLES, stored)
  }
})

test('closing the tab that is shown shows its neighbour, and the last one leaves an empty tab', () => {
  emptyStorages()
  const tabs = new Tabs(EXAMPLES.slice(0, 4), () => false)
  const [board, , changes, last] = tabs.value.tabs
  tabs.show(changes.id)
  tabs.close(changes.id)
  assert.equal(activeTab(tabs.value).id, last.id)
  tabs.close(last.id)
  assert.equal(tabs.active.example, 'move-task')
  tabs.close(tabs.active.id)
  assert.equal(tabs.active.id, board.id)
  tabs.close(board.id)
  assert.deepEqual([tabs.value.tabs.length, tabs.active.query], [1, ''])
})
