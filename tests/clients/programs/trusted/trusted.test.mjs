// Trusted documents as clients send them: Apollo by the ids of its manifest, graphql-codegen's hashes as `documentId`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { generatePersistedQueryIdsFromManifest } from '@apollo/persisted-query-lists';

import { recording, settle } from '../world.mjs';

const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url)));
const [viewer, rename] = ['viewer', 'rename'].map((name) => gql(readFileSync(new URL(`source/${name}.graphql`, import.meta.url), 'utf8')));

test('Apollo sends the ids of its manifest, and nothing else runs', async () => {
  const { person } = await settle();
  const { asked, fetch: fetcher } = recording();
  const uri = `${process.env.HIVE_TRUSTING_APOLLO_URL}/graphql`;
  const link = new PersistedQueryLink(generatePersistedQueryIdsFromManifest({ loadManifest: async () => read('generated/manifest.json') }));
  const http = new HttpLink({ uri, headers: person.headers, fetch: fetcher });
  const client = new ApolloClient({ link: ApolloLink.from([link, http]), cache: new InMemoryCache() });
  assert.equal((await client.query({ query: viewer })).data.viewer.firstName, 'Ada');
  const { data } = await client.mutate({ mutation: rename, variables: { input: { firstName: 'Grace' } } });
  assert.deepEqual([data.userUpdate.errors, data.userUpdate.user.firstName], [[], 'Grace']);
  assert.deepEqual(asked.map((each) => [each.body.query, each.status]), [[undefined, 200], [undefined, 200]]);

  const bare = new ApolloClient({ link: new HttpLink({ uri, headers: person.headers }), cache: new InMemoryCache() });
  assert.equal((await bare.query({ query: viewer })).data.viewer.firstName, 'Grace', 'by its very text');
  await assert.rejects(bare.query({ query: gql`{ viewer { lastName } }` }), (error) => error.errors[0].extensions.code === 'PERSISTED_QUERY_REQUIRED');
});

test('the hashes of graphql-codegen are names too', async () => {
  const { person, projectId } = await settle({ tasks: 1 });
  const documents = Object.entries(read('../codegen/generated/persisted-documents.json'));
  const [documentId] = documents.find(([, text]) => text.startsWith('query Board'));
  const answer = await fetch(`${process.env.HIVE_TRUSTING_URL}/graphql`, {
    method: 'POST',
    headers: { ...person.headers, 'content-type': 'application/json' },
    body: JSON.stringify({ documentId, variables: { projectId, first: 1 } }),
  });
  const { data } = await answer.json();
  assert.deepEqual(data.project.tasks.edges.map(({ node }) => node.status), ['TODO']);
});
