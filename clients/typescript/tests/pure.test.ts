/** What needs no server: ranks, ids, colours. */
import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { fromGlobalId, newUuid, toGlobalId } from '../src/index.ts'
import { presenceColor } from '../src/presence.ts'
import { rankBetween } from '../src/rank.ts'

test('ranks are those that the server makes', () => {
  const vectors: [string | null, string | null, string][] = JSON.parse(
    readFileSync(new URL('vectors/ranks.json', import.meta.url), 'utf8'),
  )
  expect(vectors.length).toBeGreaterThan(800)
  for (const [low, high, made] of vectors) {
    expect([low, high, rankBetween(low, high)]).toEqual([low, high, made])
    if (low !== null) expect(low < made).toBe(true)
    if (high !== null) expect(made < high).toBe(true)
  }
})

test('there is no rank between equal ranks, or backwards', () => {
  expect(() => rankBetween('a0', 'a0')).toThrow(RangeError)
  expect(() => rankBetween('a1', 'a0')).toThrow(RangeError)
})

test('global ids lead back to their type and UUID', () => {
  const uuid = newUuid()
  expect(fromGlobalId(toGlobalId('Task', uuid))).toEqual({ type: 'Task', uuid })
  for (const wrong of ['', 'nonsense', btoa('Task'), btoa('Task:1'), '💥']) {
    expect(() => fromGlobalId(wrong)).toThrow(TypeError)
  }
})

test('new UUIDs are of version 7, and sort by time', () => {
  const made = [0, 1, 255, 256, 1_764_385_000_000, 2 ** 47].map((now) => newUuid(now))
  expect(made).toEqual([...made].sort())
  for (const each of made) expect(each).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(Array.from({ length: 1000 }, () => newUuid(5))).size).toBe(1000)
})

test('a person has one colour, and several people several', () => {
  expect(presenceColor('a')).toBe(presenceColor('a'))
  expect(new Set(Array.from({ length: 50 }, (_, number) => presenceColor(String(number)))).size).toBe(10)
})
