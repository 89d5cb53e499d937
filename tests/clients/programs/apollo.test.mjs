// Apollo Client: queries, errors, pages, the cache, mutations, subscriptions by websocket and by multipart, persisted queries.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';

import { ApolloClient, ApolloLink, CombinedGraphQLErrors, CombinedProtocolErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

import { recording, settle, socketUrl, until, url } from './world.mjs';

const possibleTypes = { Node: ['Task', 'Project', 'User', 'Team', 'Comment'], Entity: ['Task', 'Project', 'Team', 'Comment'] };

function connect(person, { link, fetch: fetcher = fetch, ...options } = {}) {
  const http = new HttpLink({ uri: url, headers: person.headers, fetch: fetcher });
  const cache = new InMemoryCache({
    possibleTypes,
    typePolicies: { Project: { fields: { tasks: relayStylePagination() } } },
  });
  return new ApolloClient({ link: link ? ApolloLink.from([link, http]) : http, cache, ...options });
}

const PROJECT = gql`
  query Project($id: ID!, $first: Int!, $after: String) {
    project(id: $id) {
      id
      name
      tasks(first: $first, after: $after) {
        edges { node { id title status } cursor }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`;

const titles = (result) => result.data.project.tasks.edges.map(({ node }) => node.title);

test('pages are merged by relayStylePagination', async () => {
  const { person, projectId } = await settle({ tasks: 5 });
  const client = connect(person);
  const query = client.watchQuery({ query: PROJECT, variables: { id: projectId, first: 2 } });
  const subscription = query.subscribe(() => {});
  await until(() => query.getCurrentResult().dataState === 'complete');
  assert.deepEqual(titles(query.getCurrentResult()), ['Task 1', 'Task 2']);
  for (const expected of [4, 5]) {
    const { endCursor } = query.getCurrentResult().data.project.tasks.pageInfo;
    await query.fetchMore({ variables: { after: endCursor } });
    await until(() => titles(query.getCurrentResult()).length === expected, `the page to ${expected}`);
  }
  assert.deepEqual(titles(query.getCurrentResult()), ['Task 1', 'Task 2', 'Task 3', 'Task 4', 'Task 5']);
  assert.equal(query.getCurrentResult().data.project.tasks.pageInfo.hasNextPage, false);
  subscription.unsubscribe();
});

test('a mutation changes every query that shows the object, by its id', async () => {
  const { person, projectId, ids } = await settle({ tasks: 1 });
  const client = connect(person);
  await client.query({ query: PROJECT, variables: { id: projectId, first: 10 } });
  const { data } = await client.mutate({
    mutation: gql`
      mutation Rename($input: TaskUpdateInput!) {
        taskUpdate(input: $input) { task { id title version } errors { code message path } clientMutationId }
      }
    `,
    variables: { input: { id: ids[0], title: 'Renamed', clientMutationId: 'apollo-1' } },
  });
  assert.deepEqual(data.taskUpdate, {
    __typename: 'TaskPayload',
    task: { __typename: 'Task', id: ids[0], title: 'Renamed', version: 2 },
    errors: [],
    clientMutationId: 'apollo-1',
  });
  const cached = client.readQuery({ query: PROJECT, variables: { id: projectId, first: 10 } });
  assert.deepEqual(cached.project.tasks.edges.map(({ node }) => node.title), ['Renamed']);
  assert.equal(client.cache.extract()[`Task:${ids[0]}`].title, 'Renamed');
});

test('an expected failure is in the payload, typed', async () => {
  const { person, ids } = await settle({ tasks: 1 });
  const { data, error } = await connect(person).mutate({
    mutation: gql`
      mutation Conflict($input: TaskUpdateInput!) {
        taskUpdate(input: $input) {
          task { id }
          errors { __typename code path ... on ConflictError { currentVersion current { id version } } }
        }
      }
    `,
    variables: { input: { id: ids[0], title: 'Late', expectedVersion: 9 } },
  });
  assert.equal(error, undefined);
  assert.deepEqual(data.taskUpdate.errors, [
    {
      __typename: 'ConflictError',
      code: 'CONFLICT',
      path: ['input', 'expectedVersion'],
      currentVersion: 1,
      current: { __typename: 'Task', id: ids[0], version: 1 },
    },
  ]);
});

const HALF = gql`query Half { viewer { id } tasks(first: 1000) { totalCount } }`;

test('errorPolicy decides what becomes of data beside an error', async () => {
  const { person } = await settle();
  const client = connect(person);
  await assert.rejects(client.query({ query: HALF }), (error) => {
    assert.ok(CombinedGraphQLErrors.is(error));
    assert.deepEqual(error.errors.map((each) => [each.extensions.code, each.path]), [['PAGE_TOO_LARGE', ['tasks']]]);
    return true;
  });
  const all = await client.query({ query: HALF, errorPolicy: 'all', fetchPolicy: 'network-only' });
  assert.equal(all.data.tasks, null);
  assert.equal(typeof all.data.viewer.id, 'string');
  assert.equal(all.error.errors[0].extensions.code, 'PAGE_TOO_LARGE');
  const ignored = await client.query({ query: HALF, errorPolicy: 'ignore', fetchPolicy: 'network-only' });
  assert.equal(ignored.error, undefined);
});

test('nobody signed in is an error with a code, and a wrong document too', async () => {
  const stranger = connect({ headers: {} });
  await assert.rejects(stranger.query({ query: gql`{ teams { totalCount } }` }), (error) => error.errors[0].extensions.code === 'UNAUTHENTICATED');
  await assert.rejects(stranger.query({ query: gql`{ nope }` }), (error) => error.errors[0].extensions.code === 'GRAPHQL_VALIDATION_FAILED');
});

test('any object is fetched again by its id', async () => {
  const { person, ids } = await settle({ tasks: 1 });
  const { data } = await connect(person).query({
    query: gql`query Again($id: ID!) { node(id: $id) { id ... on Task { title key } } }`,
    variables: { id: ids[0] },
  });
  assert.equal(data.node.__typename, 'Task');
  assert.equal(data.node.title, 'Task 1');
});

const CHANGES = gql`
  subscription Changes($after: SyncCursor) {
    changes(after: $after) { id kind cursor clientMutationId entity { id ... on Task { title } } }
  }
`;

async function watch(client, world) {
  const heard = [];
  const subscription = client.subscribe({ query: CHANGES, variables: { after: world.cursor } }).subscribe({
    next: (result) => heard.push(result),
    error: (error) => heard.push({ error }),
    complete: () => heard.push('complete'),
  });
  await world.person.createTask(world.projectId, 'While watching', { clientMutationId: 'mine' });
  await until(() => heard.length, 'the change');
  return { heard, subscription };
}

for (const transport of ['graphql-ws', 'multipart']) {
  test(`a subscription by ${transport} hears a change, and puts the object into the cache`, async () => {
    const world = await settle();
    const { asked, fetch: fetcher } = recording();
    const socket = createClient({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: { Authorization: `Bearer ${world.person.token}` } });
    const client = connect(world.person, transport === 'multipart' ? { fetch: fetcher } : { link: new GraphQLWsLink(socket) });
    const { heard, subscription } = await watch(client, world);
    const { changes } = heard[0].data;
    assert.deepEqual([changes.kind, changes.clientMutationId, changes.entity.title], ['CREATED', 'mine', 'While watching']);
    assert.equal(client.cache.extract()[`Task:${changes.entity.id}`].title, 'While watching');
    if (transport === 'multipart') assert.match(asked[0].type, /^multipart\/mixed/);
    subscription.unsubscribe();
    await socket.dispose();
  });
}

test('signing out ends a multipart subscription with a protocol error', async () => {
  const world = await settle();
  const { heard } = await watch(connect(world.person), world);
  await world.person.run('mutation { sessionRevoke(input: {}) { errors { code } } }');
  // The end of the session is itself a change in the user's own stream, told before.
  await until(() => heard.includes('complete') || heard.some((each) => each.error), 'the end');
  const { error } = heard.find((each) => each.error) ?? {};
  assert.ok(CombinedProtocolErrors.is(error), String(error));
  assert.equal(error.errors[0].extensions.code, 'UNAUTHENTICATED');
});

test('a refused subscription by multipart says why', async () => {
  const { person } = await settle();
  const results = [];
  connect(person)
    .subscribe({ query: CHANGES, variables: { after: 'nonsense' } })
    .subscribe({ next: (each) => results.push(each), error: (error) => results.push({ error }) });
  await until(() => results.length, 'the refusal');
  assert.equal(results[0].error.errors[0].extensions.code, 'CURSOR_INVALID');
});

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

for (const useGETForHashedQueries of [false, true]) {
  test(`automatic persisted queries ${useGETForHashedQueries ? 'by GET' : 'by POST'}`, async () => {
    const { person } = await settle();
    const { asked, fetch: fetcher } = recording();
    const link = new PersistedQueryLink({ sha256, useGETForHashedQueries });
    const name = `Persisted${Date.now()}${useGETForHashedQueries}`;
    const query = gql(`query ${name} { viewer { id firstName } }`);
    for (let round = 0; round < 2; round += 1) {
      const { data } = await connect(person, { link, fetch: fetcher }).query({ query });
      assert.equal(data.viewer.firstName, 'Ada');
    }
    const method = useGETForHashedQueries ? 'GET' : 'POST';
    assert.deepEqual(
      asked.map((each) => [each.method, each.body?.query !== undefined, each.status]),
      [[method, false, 200], ['POST', true, 200], [method, false, 200]],
    );
  });
}
