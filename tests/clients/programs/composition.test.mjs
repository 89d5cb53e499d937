// Apollo Federation: the schema composes as a subgraph, alone and beside another that extends what it owns.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { composeServices } from '@apollo/composition';
import { buildSchema, parse } from 'graphql';

const sdl = readFileSync(new URL('../../../schema/schema.graphql', import.meta.url), 'utf8');
const link = (...names) =>
  `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [${names.map((each) => `"${each}"`).join(', ')}])\n`;

const subgraph = (name, text) => ({ name, url: `http://127.0.0.1/${name}`, typeDefs: parse(text) });

test('the printed schema is valid and complete', () => {
  const schema = buildSchema(sdl);
  assert.equal(schema.getSubscriptionType().name, 'Subscription');
  assert.equal(schema.getType('DateTime').specifiedByURL, 'https://scalars.graphql.org/andimarek/date-time.html');
});

test('it composes with an @link to Federation 2', () => {
  const { errors, supergraphSdl } = composeServices([subgraph('hive', link('@key') + sdl)]);
  assert.deepEqual((errors ?? []).map((each) => each.message), []);
  assert.match(supergraphSdl, /type Task implements [^{]*Node/);
});

test('it composes beside another subgraph', () => {
  const invoices = `${link('@key')}
    type Query { invoice(id: ID!): Invoice }
    type Invoice @key(fields: "id") { id: ID! taskId: ID! }`;
  const { errors, supergraphSdl } = composeServices([subgraph('hive', link('@key') + sdl), subgraph('invoices', invoices)]);
  assert.deepEqual((errors ?? []).map((each) => each.message), []);
  assert.match(supergraphSdl, /invoice\(id: ID!\): Invoice @join__field\(graph: INVOICES\)/);
});
