/// Every operation of the page is valid against the printed schema (SCHEMA names another file).
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { buildSchema, parse, validate } from 'graphql'

const schemaFile = process.env.SCHEMA ?? new URL('../../../../schema/schema.graphql', import.meta.url)
const schema = buildSchema(readFileSync(schemaFile, 'utf8'))

for (const folder of ['examples', 'operations']) {
  const place = new URL(`../src/${folder}/`, import.meta.url)
  for (const name of readdirSync(place)) {
    test(`${folder}/${name} is valid`, () => {
      const errors = validate(schema, parse(readFileSync(new URL(name, place), 'utf8')))
      assert.deepEqual(
        errors.map((error) => error.message),
        [],
      )
    })
  }
}
