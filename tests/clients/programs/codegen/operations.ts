// Typed by what graphql-codegen made of the schema: this file need not run, it must type-check.
import { graphql } from './generated';
import type { BoardQuery, ErrorCode, RenameMutation, RenameMutationVariables, TaskStatus } from './generated/graphql';

export const board = graphql(`
  query Board($projectId: ID!, $first: Int!, $after: String, $orderBy: [TaskOrder!]) {
    project(id: $projectId) {
      id
      name
      tasks(first: $first, after: $after, orderBy: $orderBy, filter: { status: { in: [TODO, IN_PROGRESS] } }) {
        edges {
          cursor
          node {
            id
            status
            dueOn
            assignee {
              displayName
            }
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

export const rename = graphql(`
  mutation Rename($input: TaskUpdateInput!) {
    taskUpdate(input: $input) {
      task {
        id
        title
        version
      }
      errors {
        __typename
        code
        message
        path
        ... on ConflictError {
          currentVersion
        }
      }
    }
  }
`);

export const changes = graphql(`
  subscription Changes($after: SyncCursor) {
    changes(after: $after) {
      cursor
      kind
      entity {
        __typename
        id
        ... on Task {
          title
        }
      }
    }
  }
`);

export function dueOf(data: BoardQuery): [TaskStatus, string | null][] {
  const edges = data.project?.tasks.edges ?? [];
  return edges.map(({ node }) => [node.status, node.dueOn ?? null]);
}

export function conflictOf(data: RenameMutation): number | null {
  const [error] = data.taskUpdate?.errors ?? [];
  if (!error) return null;
  const code: ErrorCode = error.code;
  // Narrowed by its typename: only a conflict has a version.
  return code === 'CONFLICT' && error.__typename === 'ConflictError' ? (error.currentVersion ?? null) : null;
}

export const whole: RenameMutationVariables = { input: { id: 'x', title: 'Ship it', expectedVersion: 3, dueOn: null } };
// @ts-expect-error: a task's id is needed
export const partial: RenameMutationVariables = { input: { title: 'Ship it' } };
// @ts-expect-error: a title is text
export const wrong: RenameMutationVariables = { input: { id: 'x', title: 3 } };
