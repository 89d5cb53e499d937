// Relay: what relay-compiler makes of the schema, and relay-runtime over it: pages, edges that come and go, subscriptions, persisted ids.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { createClient } from 'graphql-ws';
import relay from 'relay-runtime';
import WebSocket from 'ws';

import { settle, socketUrl, until, url } from '../world.mjs';

const { ConnectionHandler, Environment, Network, Observable, RecordSource, Store, commitMutation, createOperationDescriptor } = relay;
const { fetchQuery, getFragment, getPaginationMetadata, getSelector, getPaginationVariables, requestSubscription } = relay;

const persisted = JSON.parse(readFileSync(new URL('generated/persisted.json', import.meta.url)));
const names = ['BoardQuery', 'BoardPageQuery', 'Board_project', 'CreateMutation', 'DeleteMutation', 'ChangesSubscription'];
const modules = await Promise.all(names.map((name) => import(`./generated/operations${name}.graphql.js`)));
const artifacts = Object.fromEntries(names.map((name, index) => [name, modules[index].default]));

// `byId`: ask by the ids that the compiler gave, as a network layer does where the server trusts their manifest.
function connect(person, { byId = false, base = url } = {}) {
  const socket = createClient({ url: socketUrl, webSocketImpl: WebSocket, connectionParams: { Authorization: `Bearer ${person.token}` } });
  const environment = new Environment({
    store: new Store(new RecordSource()),
    network: Network.create(
      async (request, variables) => {
        const named = byId ? { doc_id: request.id } : { query: persisted[request.id] };
        const answer = await fetch(base, {
          method: 'POST',
          headers: { ...person.headers, 'content-type': 'application/json' },
          body: JSON.stringify({ ...named, variables }),
        });
        return answer.json();
      },
      (request, variables) =>
        Observable.create((sink) => socket.subscribe({ query: persisted[request.id], operationName: request.name, variables }, sink)),
    ),
  });
  return { environment, socket };
}

async function load({ environment }, id) {
  await fetchQuery(environment, artifacts.BoardQuery, { id }).toPromise();
  const operation = createOperationDescriptor(artifacts.BoardQuery, { id });
  environment.retain(operation);
  const { data } = environment.lookup(operation.fragment);
  const reader = getFragment(artifacts.Board_project);
  return () => environment.lookup(getSelector(reader, data.project)).data;
}

const titles = (board) => board().tasks.edges.map(({ node }) => node.title);

const commit = (environment, mutation, variables) =>
  new Promise((resolve, reject) => {
    commitMutation(environment, { mutation, variables, onCompleted: (data) => resolve(data), onError: reject });
  });

test('a fragment is refetched page by page through `node`', async () => {
  const { person, projectId } = await settle({ tasks: 5 });
  const relayed = connect(person);
  const board = await load(relayed, projectId);
  assert.deepEqual(titles(board), ['Task 1', 'Task 2']);
  const { identifierField, paginationMetadata } = getPaginationMetadata(artifacts.Board_project, 'test');
  assert.equal(identifierField, 'id');
  for (const expected of [4, 5]) {
    const { endCursor, hasNextPage } = board().tasks.pageInfo;
    assert.equal(hasNextPage, true);
    const variables = getPaginationVariables('forward', 2, endCursor, {}, {}, paginationMetadata);
    await fetchQuery(relayed.environment, artifacts.BoardPageQuery, { ...variables, id: projectId }).toPromise();
    assert.equal(titles(board).length, expected);
  }
  assert.deepEqual(titles(board), ['Task 1', 'Task 2', 'Task 3', 'Task 4', 'Task 5']);
  assert.equal(board().tasks.pageInfo.hasNextPage, false);
});

test('edges are appended and deleted by what mutations answer', async () => {
  const { person, projectId, ids } = await settle({ tasks: 2 });
  const relayed = connect(person);
  const board = await load(relayed, projectId);
  const connections = [ConnectionHandler.getConnectionID(projectId, 'Board_tasks')];
  const made = await commit(relayed.environment, artifacts.CreateMutation, { input: { projectId, title: 'Third' }, connections });
  assert.deepEqual(made.taskCreate.errors, []);
  assert.deepEqual(titles(board), ['Task 1', 'Task 2', 'Third']);
  const gone = await commit(relayed.environment, artifacts.DeleteMutation, { input: { id: ids[0] }, connections });
  assert.equal(gone.taskDelete.deletedId, ids[0]);
  assert.deepEqual(titles(board), ['Task 2', 'Third']);
});

test('a subscription brings changes into the store', async () => {
  const world = await settle({ tasks: 1 });
  const relayed = connect(world.person);
  const board = await load(relayed, world.projectId);
  const heard = [];
  const { dispose } = requestSubscription(relayed.environment, {
    subscription: artifacts.ChangesSubscription,
    variables: { after: world.cursor },
    onNext: (data) => heard.push(data),
    onError: (error) => heard.push(error),
  });
  await world.person.run('mutation ($input: TaskUpdateInput!) { taskUpdate(input: $input) { errors { code } } }', {
    input: { id: world.ids[0], title: 'Renamed elsewhere' },
  });
  await until(() => heard.length, 'the change');
  assert.deepEqual(heard[0].changes.kind, 'UPDATED');
  assert.deepEqual(titles(board), ['Renamed elsewhere']);
  dispose();
  await relayed.socket.dispose();
});

test('the persisted ids of the compiler are enough for a server that trusts its manifest', async () => {
  const { person, projectId } = await settle({ tasks: 1 });
  const board = await load(connect(person, { byId: true, base: `${process.env.HIVE_TRUSTING_URL}/graphql` }), projectId);
  assert.deepEqual(titles(board), ['Task 1']);
});
