// The clients of the two protocols for subscriptions, graphql-ws and graphql-sse: they come back by themselves, and nothing is missed.
import assert from 'node:assert/strict';
import net from 'node:net';
import test from 'node:test';

import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import WebSocket from 'ws';

import { settle, until, url } from './world.mjs';

// A way to the server that can be cut: what is open breaks, what comes later passes.
async function openDetour() {
  const target = new URL(url);
  const open = new Set();
  const server = net.createServer((here) => {
    const there = net.connect(Number(target.port), target.hostname);
    for (const [from, to] of [[here, there], [there, here]]) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => (open.delete(from), to.destroy()));
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${server.address().port}/graphql`,
    cut: () => open.forEach((socket) => socket.destroy()),
    close: () => (open.forEach((socket) => socket.destroy()), server.close()),
  };
}

const QUERY = `subscription ($after: SyncCursor) { changes(after: $after) { cursor entity { ... on Task { title } } } }`;

const clients = {
  'graphql-ws': (person, address, connected) =>
    createSocketClient({
      url: `ws://${address}`,
      webSocketImpl: WebSocket,
      connectionParams: { Authorization: `Bearer ${person.token}` },
      shouldRetry: () => true,
      retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
      on: { connected },
    }),
  'graphql-sse': (person, address, connected) =>
    createSseClient({
      url: `http://${address}`,
      headers: person.headers,
      retry: () => new Promise((resolve) => setTimeout(resolve, 20)),
      on: { connected },
    }),
};

for (const [name, open] of Object.entries(clients)) {
  test(`${name}: after every cut it goes on where it was, without a gap or a repeat`, async (t) => {
    const world = await settle();
    const detour = await openDetour();
    let connections = 0;
    const client = open(world.person, detour.address, () => (connections += 1));
    t.after(() => (client.dispose(), detour.close()));
    // The variables are read anew at each connection, so the cursor of the last change is where the next one begins.
    const variables = { after: world.cursor };
    const titles = [];
    const ended = new Promise((resolve, reject) => {
      client.subscribe(
        { query: QUERY, variables },
        {
          next({ data, errors }) {
            if (errors) return reject(new Error(JSON.stringify(errors)));
            titles.push(data.changes.entity.title);
            variables.after = data.changes.cursor;
          },
          error: reject,
          complete: resolve,
        },
      );
    });
    ended.catch(() => {});
    const expected = [];
    for (let round = 1; round <= 4; round += 1) {
      for (const when of ['before', 'during']) {
        expected.push(`${when} ${round}`);
        if (when === 'during') {
          await until(() => connections === round, `connection ${round}`);
          detour.cut();
        }
        await world.person.createTask(world.projectId, expected.at(-1));
      }
      await until(() => titles.length >= expected.length, expected.at(-1));
    }
    assert.deepEqual(titles, expected);
    assert.equal(connections, 5);
  });

  test(`${name}: queries and mutations go the same way`, async () => {
    const { person, projectId, ids } = await settle({ tasks: 1 });
    const client = open(person, new URL(url).host + '/graphql', () => {});
    const results = [];
    for (const [query, variables] of [
      ['query ($id: ID!) { task(id: $id) { title } }', { id: ids[0] }],
      ['mutation ($input: TaskUpdateInput!) { taskUpdate(input: $input) { task { title } } }', { input: { id: ids[0], title: 'B' } }],
      ['query { tasks(first: 1000) { totalCount } }', {}],
    ]) {
      for await (const result of client.iterate({ query, variables })) results.push(result);
    }
    assert.deepEqual(results.slice(0, 2), [{ data: { task: { title: 'Task 1' } } }, { data: { taskUpdate: { task: { title: 'B' } } } }]);
    assert.equal(results[2].errors[0].extensions.code, 'PAGE_TOO_LARGE');
    assert.equal(typeof projectId, 'string');
    await client.dispose();
  });
}

test('graphql-sse hears of a refusal at once, and does not try again', async () => {
  let connections = 0;
  const client = createSseClient({ url, headers: { authorization: 'Bearer nonsense' }, on: { connecting: () => (connections += 1) } });
  const results = [];
  for await (const result of client.iterate({ query: QUERY })) results.push(result);
  assert.deepEqual([results.length, results[0].errors[0].extensions.code, connections], [1, 'UNAUTHENTICATED', 1]);
});

test('graphql-ws hears of a refusal by the close code, and may come again with other credentials', async () => {
  const { person } = await settle();
  const tokens = ['nonsense', person.token];
  const codes = [];
  const client = createSocketClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: () => ({ Authorization: `Bearer ${tokens.shift()}` }),
    retryWait: () => Promise.resolve(),
    on: { closed: (event) => codes.push([event.code, event.reason]) },
  });
  const { value } = await client.iterate({ query: '{ viewer { firstName } }' }).next();
  assert.deepEqual(value, { data: { viewer: { firstName: 'Ada' } } });
  assert.deepEqual(codes, [[4403, 'UNAUTHENTICATED']]);
  await client.dispose();
});
