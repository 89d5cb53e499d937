// The part of our graph that is measured: the same fields, with plain UUIDs for ids.

import * as rows from "./rows.js";

export const schema = `
  enum TaskStatus { BACKLOG TODO IN_PROGRESS IN_REVIEW DONE CANCELED }

  type User { id: ID! firstName: String! lastName: String! }
  type UserList { nodes: [User!]! }

  type Comment { id: ID! body: String! createdAt: String! author: User }
  type CommentList { nodes: [Comment!]! }

  type Task {
    id: ID! key: String! title: String! status: TaskStatus! priority: String! dueOn: String version: Int! updatedAt: String!
    assignee: User
    project: Project!
    comments(first: Int!): CommentList!
  }
  type TaskList { nodes: [Task!]! }

  type Project { id: ID! name: String! status: String! tasks(first: Int!): TaskList! }
  type ProjectList { nodes: [Project!]! }

  type Team { id: ID! name: String! key: String! members(first: Int!): UserList! projects(first: Int!): ProjectList! }

  type UserError { code: String! message: String! }
  type TaskPayload { task: Task errors: [UserError!]! }
  input TaskUpdateInput { id: ID! title: String! status: TaskStatus! }

  type Query {
    task(id: ID!): Task
    project(id: ID!): Project
    team(id: ID!): Team
  }
  type Mutation { taskUpdate(input: TaskUpdateInput!): TaskPayload }
`;

export function resolvers({ events }) {
  const update = events ? rows.updateTaskWithEvent : rows.updateTask;
  return {
    Query: {
      task: (_, { id }, { pool, viewer }) => rows.task(pool, viewer, id),
      project: (_, { id }, { pool, viewer }) => rows.project(pool, viewer, id),
      team: (_, { id }, { pool, viewer }) => rows.team(pool, viewer, id),
    },
    Mutation: {
      async taskUpdate(_, { input }, { pool, viewer }) {
        const task = await update(pool, viewer, input);
        return task ? { task, errors: [] } : { task: null, errors: [{ code: "NOT_FOUND", message: "There is no such task." }] };
      },
    },
  };
}

// Without Mercurius' cache of loaders, which would turn every parent into JSON to find it again.
const uncached = (loader) => ({ loader, opts: { cache: false } });

// One row for each parent, by the id that the parent names.
const named = (fetch, name) =>
  uncached(async (queries, { pool, viewer }) => {
    const ids = [...new Set(queries.map(({ obj }) => obj[name]).filter((id) => id !== null))];
    const found = new Map(ids.length ? (await fetch(pool, viewer, ids)).map((row) => [row.id, row]) : []);
    return queries.map(({ obj }) => found.get(obj[name]) ?? null);
  });

// A list for each parent. Parents of one level ask with the same arguments.
const listed = (fetch) =>
  uncached(async (queries, { pool, viewer }) => {
    const parents = queries.map(({ obj }) => obj.id);
    const lists = new Map(parents.map((id) => [id, { nodes: [] }]));
    for (const row of await fetch(pool, viewer, parents, queries[0].params.first)) lists.get(row.parent).nodes.push(row);
    return parents.map((id) => lists.get(id));
  });

export const loaders = {
  Task: {
    assignee: named(rows.usersByIds, "assigneeId"),
    project: named(rows.projectsByIds, "projectId"),
    comments: listed(rows.commentsOfTasks),
  },
  Comment: { author: named(rows.usersByIds, "authorId") },
  Project: { tasks: listed(rows.tasksOfProjects) },
  Team: { members: listed(rows.membersOfTeams), projects: listed(rows.projectsOfTeams) },
};
