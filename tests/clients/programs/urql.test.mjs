// urql: graphcache with relayPagination, the persisted exchange, and subscriptions by server-sent events, its own and graphql-sse's.
import assert from 'node:assert/strict';
import test from 'node:test';

import { Client, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { persistedExchange } from '@urql/exchange-persisted';
import { createClient as createSseClient } from 'graphql-sse';
import { getIntrospectionQuery } from 'graphql';

import { recording, settle, until, url } from './world.mjs';

function connect(person, { fetch: fetcher = fetch, exchanges = [], schema, ...options } = {}) {
  return new Client({
    url,
    fetch: fetcher,
    preferGetMethod: false,
    fetchOptions: () => ({ headers: person.headers }),
    exchanges: [
      cacheExchange({
        schema,
        resolvers: { Project: { tasks: relayPagination() } },
        keys: { PageInfo: () => null, ValidationError: () => null, TaskPayload: () => null },
      }),
      ...exchanges,
      fetchExchange,
    ],
    ...options,
  });
}

const PROJECT = gql`
  query Project($id: ID!, $first: Int!, $after: String) {
    project(id: $id) {
      __typename
      id
      tasks(first: $first, after: $after) {
        __typename
        edges { __typename cursor node { __typename id title } }
        pageInfo { __typename hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
  }
`;

const titles = ({ data }) => data.project.tasks.edges.map(({ node }) => node.title);

test('graphcache knows the schema, merges pages and normalises by id', async () => {
  const { person, projectId, ids } = await settle({ tasks: 3 });
  const { __schema } = await person.run(getIntrospectionQuery({ descriptions: false }));
  const client = connect(person, { schema: { __schema } });
  const first = await client.query(PROJECT, { id: projectId, first: 2 });
  assert.equal(first.error, undefined, String(first.error));
  assert.deepEqual(titles(first), ['Task 1', 'Task 2']);
  const { endCursor } = first.data.project.tasks.pageInfo;
  const both = await client.query(PROJECT, { id: projectId, first: 2, after: endCursor });
  assert.deepEqual(titles(both), ['Task 1', 'Task 2', 'Task 3']);

  const seen = [];
  const { unsubscribe } = client.query(PROJECT, { id: projectId, first: 2, after: endCursor }).subscribe((each) => seen.push(titles(each)));
  const renamed = await client.mutation(
    gql`mutation ($input: TaskUpdateInput!) { taskUpdate(input: $input) { __typename task { __typename id title } errors { __typename code } } }`,
    { input: { id: ids[1], title: 'Renamed' } },
  );
  assert.deepEqual(renamed.data.taskUpdate.errors, []);
  assert.deepEqual(seen.at(-1), ['Task 1', 'Renamed', 'Task 3']);
  unsubscribe();
});

test('errors come with their codes', async () => {
  const { person } = await settle();
  const { data, error } = await connect(person).query(gql`{ viewer { __typename id } tasks(first: 1000) { __typename totalCount } }`, {});
  assert.equal(data.tasks, null);
  assert.deepEqual(error.graphQLErrors.map((each) => each.extensions.code), ['PAGE_TOO_LARGE']);
  const refused = await connect({ headers: { authorization: 'Bearer nonsense' } }).query(gql`{ viewer { __typename id } }`, {});
  assert.equal(refused.error.response.status, 401);
  assert.equal(refused.error.graphQLErrors[0].extensions.code, 'UNAUTHENTICATED');
});

for (const preferGetForPersistedQueries of [false, true]) {
  test(`persisted queries ${preferGetForPersistedQueries ? 'by GET' : 'by POST'}`, async () => {
    const { person } = await settle();
    const query = `query Urql${Date.now()}${preferGetForPersistedQueries} { viewer { __typename id firstName } }`;
    const { asked, fetch: fetcher } = recording();
    for (let round = 0; round < 2; round += 1) {
      const client = connect(person, { fetch: fetcher, exchanges: [persistedExchange({ preferGetForPersistedQueries })] });
      const { data, error } = await client.query(query, {});
      assert.equal(error, undefined, String(error));
      assert.equal(data.viewer.firstName, 'Ada');
    }
    const method = preferGetForPersistedQueries ? 'GET' : 'POST';
    assert.deepEqual(
      asked.map((each) => [each.method, Boolean(each.body?.query ?? new URL(each.url).searchParams.get('query')), each.status]),
      [[method, false, 200], [method, true, 200], [method, false, 200]],
    );
  });
}

const CHANGES = gql`
  subscription Changes($after: SyncCursor) {
    changes(after: $after) { __typename id kind clientMutationId entity { __typename id ... on Task { title } } }
  }
`;

const ways = {
  'its own event streams': (person, fetcher) => connect(person, { fetch: fetcher, fetchSubscriptions: true }),
  'graphql-sse': (person, fetcher) => {
    const sse = createSseClient({ url, headers: person.headers, fetchFn: fetcher });
    const forwardSubscription = (operation) => ({ subscribe: (sink) => ({ unsubscribe: sse.subscribe(operation, sink) }) });
    return connect(person, { exchanges: [subscriptionExchange({ forwardSubscription })] });
  },
};

for (const [name, open] of Object.entries(ways)) {
  test(`a subscription by ${name}`, async () => {
    const world = await settle();
    const { asked, fetch: fetcher } = recording();
    const client = open(world.person, fetcher);
    const heard = [];
    const { unsubscribe } = client.subscription(CHANGES, { after: world.cursor }).subscribe((each) => heard.push(each));
    await world.person.createTask(world.projectId, 'While watching', { clientMutationId: 'mine' });
    await until(() => heard.length, 'the change');
    assert.equal(heard[0].error, undefined, String(heard[0].error));
    const { changes } = heard[0].data;
    assert.deepEqual([changes.kind, changes.clientMutationId, changes.entity.title], ['CREATED', 'mine', 'While watching']);
    assert.deepEqual([asked[0].status, asked[0].type], [200, 'text/event-stream; charset=utf-8']);
    await world.person.createTask(world.projectId, 'Another');
    await until(() => heard.length > 1, 'the second change');
    unsubscribe();

    const refused = [];
    const again = client.subscription(CHANGES, { after: 'nonsense' }).subscribe((each) => refused.push(each));
    await until(() => refused.length, 'the refusal');
    assert.equal(refused[0].error.graphQLErrors[0].extensions.code, 'CURSOR_INVALID');
    again.unsubscribe();
  });
}
