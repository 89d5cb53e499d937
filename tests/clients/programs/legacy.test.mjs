// subscriptions-transport-ws, the client of the older subprotocol `graphql-ws`, which Apollo Kotlin and many apps in the field still speak.
import assert from 'node:assert/strict';
import test from 'node:test';

import { SubscriptionClient } from 'subscriptions-transport-ws';
import WebSocket from 'ws';

import { settle, socketUrl, until } from './world.mjs';

const CHANGES = 'subscription ($after: SyncCursor) { changes(after: $after) { cursor clientMutationId entity { ... on Task { title } } } }';

function connect(authorization, options = {}) {
  return new SubscriptionClient(socketUrl, { connectionParams: { Authorization: authorization }, reconnect: false, ...options }, WebSocket);
}

function listen(client, request) {
  const heard = [];
  const { unsubscribe } = client.request(request).subscribe({
    next: (result) => heard.push(result),
    error: (error) => heard.push({ error }),
    complete: () => heard.push('complete'),
  });
  return { heard, unsubscribe };
}

test('a subscription hears changes, and stops when it is told to', async () => {
  const world = await settle();
  const client = connect(`Bearer ${world.person.token}`);
  const { heard, unsubscribe } = listen(client, { query: CHANGES, variables: { after: world.cursor } });
  await world.person.createTask(world.projectId, 'While watching', { clientMutationId: 'mine' });
  await until(() => heard.length, 'the change');
  const { cursor } = heard[0].data.changes;
  assert.deepEqual(heard, [{ data: { changes: { cursor, clientMutationId: 'mine', entity: { title: 'While watching' } } } }]);
  unsubscribe();
  const second = listen(client, { query: CHANGES, variables: { after: cursor } });
  await world.person.createTask(world.projectId, 'Another');
  await until(() => second.heard.length, 'the second change');
  assert.equal(second.heard[0].data.changes.entity.title, 'Another');
  assert.equal(heard.length, 1);
  client.close();
});

test('queries and mutations, and what is wrong with them', async () => {
  const { person, ids } = await settle({ tasks: 1 });
  const client = connect(`Bearer ${person.token}`);
  const query = listen(client, { query: 'query ($id: ID!) { task(id: $id) { title } }', variables: { id: ids[0] } });
  const mutation = listen(client, {
    query: 'mutation ($input: TaskUpdateInput!) { taskUpdate(input: $input) { task { title } } }',
    variables: { input: { id: ids[0], title: 'B' } },
  });
  const wrong = listen(client, { query: '{ nope }' });
  await until(() => query.heard.length > 1 && mutation.heard.length > 1 && wrong.heard.length, 'the answers');
  assert.match(query.heard[0].data.task.title, /^(Task 1|B)$/);
  assert.deepEqual(mutation.heard, [{ data: { taskUpdate: { task: { title: 'B' } } } }, 'complete']);
  assert.match(JSON.stringify(wrong.heard[0].error ?? wrong.heard[0].errors), /nope/);
  client.close();
});

test('it comes back by itself with the variables that it had', async () => {
  const world = await settle();
  const client = connect(`Bearer ${world.person.token}`, { reconnect: true });
  const { heard } = listen(client, { query: CHANGES, variables: { after: world.cursor } });
  await world.person.createTask(world.projectId, 'First');
  await until(() => heard.length === 1, 'the first change');
  client.client.terminate();
  await world.person.createTask(world.projectId, 'Second');
  await until(() => heard.length === 3, 'everything from its cursor on');
  assert.deepEqual(heard.map((each) => each.data.changes.entity.title), ['First', 'First', 'Second']);
  client.close();
});

test('a refusal is told before the connection ends', async () => {
  const refused = await new Promise((resolve) => {
    const client = connect('Bearer nonsense', { connectionCallback: (error) => (resolve(error), client.close()) });
  });
  assert.match(JSON.stringify(refused), /UNAUTHENTICATED/);
});
