// Somebody new on the server at HIVE_URL, with a team, a project and tasks: what every program begins with.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

export const url = `${process.env.HIVE_URL}/graphql`;
export const socketUrl = url.replace('http', 'ws');

export class Person {
  constructor(token) {
    this.token = token;
  }

  get headers() {
    return { authorization: `Bearer ${this.token}` };
  }

  // The data of an answer without errors, by nothing but fetch.
  async run(query, variables = {}) {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { ...this.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await answer.json();
    assert.equal(errors, undefined, JSON.stringify(errors));
    return data;
  }

  async createTask(projectId, title, more = {}) {
    const { taskCreate } = await this.run(
      'mutation ($input: TaskCreateInput!) { taskCreate(input: $input) { task { id } cursor errors { message } } }',
      { input: { projectId, title, ...more } },
    );
    assert.deepEqual(taskCreate.errors, []);
    return { id: taskCreate.task.id, cursor: taskCreate.cursor };
  }
}

// `tasks` are titled "Task 1", "Task 2" and so on; `cursor` is the log's position after the last of them.
export async function settle({ tasks = 0 } = {}) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query: `mutation ($input: UserRegisterInput!) {
        userRegister(input: $input) { tokens { accessToken } errors { message } }
      }`,
      variables: {
        input: { email: `ada-${randomUUID()}@example.com`, password: 'correct horse battery staple', firstName: 'Ada', lastName: 'Tester' },
      },
    }),
  });
  const { data } = await answer.json();
  assert.deepEqual(data.userRegister.errors, []);
  const person = new Person(data.userRegister.tokens.accessToken);
  const { teamCreate } = await person.run(
    'mutation ($input: TeamCreateInput!) { teamCreate(input: $input) { team { id } errors { message } } }',
    { input: { name: `Clients ${randomUUID()}`, key: `T${randomUUID().replaceAll('-', '').slice(0, 9).toUpperCase()}` } },
  );
  assert.deepEqual(teamCreate.errors, []);
  const { projectCreate } = await person.run(
    'mutation ($input: ProjectCreateInput!) { projectCreate(input: $input) { project { id } cursor errors { message } } }',
    { input: { teamId: teamCreate.team.id, name: 'Launch' } },
  );
  assert.deepEqual(projectCreate.errors, []);
  const projectId = projectCreate.project.id;
  let { cursor } = projectCreate;
  const ids = [];
  for (let number = 1; number <= tasks; number += 1) {
    const made = await person.createTask(projectId, `Task ${number}`);
    ids.push(made.id);
    ({ cursor } = made);
  }
  return { person, teamId: teamCreate.team.id, projectId, ids, cursor };
}

// Waits until `condition` gives something, 10 s at most.
export async function until(condition, what = 'it') {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await condition();
    if (found) return found;
    assert.ok(Date.now() < deadline, `${what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

// A fetch that remembers what was asked, without the secrets.
export function recording() {
  const asked = [];
  const recorder = async (input, options = {}) => {
    const entry = {
      method: options.method ?? 'GET',
      url: String(input),
      body: options.body ? JSON.parse(options.body) : undefined,
      accept: new Headers(options.headers).get('accept'),
    };
    asked.push(entry);
    const answer = await fetch(input, options);
    entry.status = answer.status;
    entry.type = answer.headers.get('content-type');
    return answer;
  };
  return { asked, fetch: recorder };
}
